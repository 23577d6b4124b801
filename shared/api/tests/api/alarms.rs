//! The alarms of the template, the log lines that they count, and the runbooks.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;
use taskbell_test::template::{project, properties, resources, seconds};

#[test]
fn the_server_error_alarm_uses_the_error_rate() {
    let alarm = properties("ApiErrorAlarm");
    let metrics = alarm["Metrics"].as_array().expect("metrics");
    let shown: Vec<_> = metrics.iter().filter(|metric| metric["ReturnData"] != false).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(
        shown[0]["Expression"],
        "IF(errors >= 3, 100 * errors / (requests - FILL(refused, 0)), 0)"
    );
    assert_eq!(
        (&alarm["Threshold"], &alarm["ComparisonOperator"]),
        (&json!(1), &json!("GreaterThanThreshold"))
    );
    let names: BTreeMap<_, _> = metrics
        .iter()
        .filter_map(|metric| {
            Some((metric["Id"].as_str()?, metric["MetricStat"]["Metric"]["MetricName"].as_str()?))
        })
        .collect();
    assert_eq!(names, [("errors", "5xx"), ("refused", "4xx"), ("requests", "Count")].into());
}

#[test]
fn the_deferred_mail_alarm_stays_on_while_a_single_mail_waits() {
    let alarm = properties("DeferredMailAlarm");
    let number =
        |name: &str| alarm[name].as_i64().and_then(|n| i32::try_from(n).ok()).expect("a number");
    let window = seconds(&alarm["Period"]) * number("EvaluationPeriods");
    // The longest wait of a deferred mail, with up to 31 seconds of jitter.
    let longest = SignedDuration::from_secs(30 * 60 + 31);
    // Even with the longest waits, enough periods of the window have a line of the mail.
    assert!(window >= longest * number("DatapointsToAlarm") - seconds(&alarm["Period"]));
    assert!(number("DatapointsToAlarm") > 2, "one or two waits for the rate of SES raise no alarm");
}

#[test]
fn every_alarm_notifies_the_alarm_address_and_has_a_runbook() {
    let runbooks =
        std::fs::read_to_string(project().join("docs/runbooks.md")).expect("docs/runbooks.md");
    for (id, alarm) in resources("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["Properties"]["AlarmActions"], json!([{"Ref": "AlarmTopic"}]), "{id}");
        assert_eq!(alarm["Condition"], "HasAlarmAddress", "{id}");
        let description = alarm["Properties"]["AlarmDescription"].as_str().expect("text");
        let link = format!(". Runbook: docs/runbooks.md#{}", id.to_lowercase());
        assert!(description.ends_with(&link), "{id}: {description}");
        let heading = format!("## {id}");
        assert!(runbooks.lines().any(|line| line == heading), "{id} is not in docs/runbooks.md");
        let missing_data = &alarm["Properties"]["TreatMissingData"];
        let treatment = if id == "DispatchSilenceAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(missing_data, treatment, "{id}");
    }
}
