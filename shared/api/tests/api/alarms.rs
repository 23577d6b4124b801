//! The alarms of the template, the log lines that they count, and the runbooks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_test::template::{project, properties, resources, seconds, template};

#[test]
fn the_server_error_alarm_uses_the_error_rate() {
    let alarm = properties("ApiErrorAlarm");
    let metrics = alarm["Metrics"].as_array().expect("metrics");
    let shown: Vec<_> = metrics.iter().filter(|metric| metric["ReturnData"] != false).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["Expression"], "IF(errors >= 3, 100 * errors / requests, 0)");
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
    assert_eq!(names, [("errors", "5xx"), ("requests", "Count")].into());
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
        let heading = format!("## {id}");
        assert!(runbooks.lines().any(|line| line == heading), "{id} is not in docs/runbooks.md");
        let missing_data = &alarm["Properties"]["TreatMissingData"];
        let treatment = if id == "DispatchSilenceAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(missing_data, treatment, "{id}");
    }
}

#[test]
fn every_metric_filter_has_an_alarm() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (id, filter) in resources("AWS::Logs::MetricFilter") {
        assert_eq!(filter["Properties"]["LogGroupName"], json!({"Ref": "FunctionLogs"}), "{id}");
        let counted = &filter["Properties"]["MetricTransformations"][0];
        let matches = |alarm: &&Value| {
            let alarm = &alarm["Properties"];
            (&alarm["Namespace"], &alarm["MetricName"])
                == (&counted["MetricNamespace"], &counted["MetricName"])
        };
        assert_eq!(alarms.values().filter(matches).count(), 1, "{id}");
    }
}

/// The text of all source files of a folder.
fn sources(folder: &Path) -> String {
    let entries =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => std::fs::read_to_string(&path).unwrap_or_default(),
    };
    entries.map(read).collect()
}

#[test]
fn every_metric_filter_matches_a_line_that_a_worker_logs() {
    let workers = sources(&project().join("shared/api/src/workers"));
    for (id, filter) in resources("AWS::Logs::MetricFilter") {
        let pattern = filter["Properties"]["FilterPattern"].as_str().expect("a pattern");
        let messages: Vec<_> = pattern.split('"').skip(1).step_by(2).collect();
        assert!(
            !messages.is_empty() && pattern.matches("$.message = ").count() == messages.len(),
            "{id}"
        );
        for message in messages {
            assert!(workers.contains(&format!("\"{message}\")")), "{id}: nothing logs {message:?}");
        }
    }
}

#[test]
fn every_log_level_includes_the_lines_that_alarms_count() {
    let levels = &template()["Parameters"]["LogLevel"]["AllowedValues"];
    assert_eq!(levels, &json!(["warn", "info", "debug"]));
}
