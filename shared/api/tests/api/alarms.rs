//! What rings: the alarms of the template, the lines of the logs that they count, and the runbook.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_test::template::{project, properties, resources, seconds, template};

#[test]
fn the_alarm_on_server_errors_is_about_their_rate() {
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
fn the_alarm_on_deferred_mails_holds_as_long_as_a_single_mail_waits() {
    let alarm = properties("DeferredMailAlarm");
    let many = |name: &str| alarm[name].as_i64().and_then(|n| i32::try_from(n).ok()).expect("a number");
    let window = seconds(&alarm["Period"]) * many("EvaluationPeriods");
    // The longest wait of a deferred mail, and up to 31 seconds.
    let longest = SignedDuration::from_secs(30 * 60 + 31);
    // That many periods of the window hold a line of the mail, at its longest waits, too.
    assert!(window >= longest * many("DatapointsToAlarm") - seconds(&alarm["Period"]));
    assert!(many("DatapointsToAlarm") > 2, "a wait or two for SES's rate are nothing");
}

#[test]
fn every_alarm_is_mailed_to_who_asked_for_it_and_has_its_line_in_the_runbook() {
    let runbook =
        std::fs::read_to_string(project().join("docs/operations.md")).expect("docs/operations.md");
    for (id, alarm) in resources("AWS::CloudWatch::Alarm") {
        let told =
            json!({"Fn::If": ["HasAlarmAddress", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]});
        assert_eq!(alarm["Properties"]["AlarmActions"], told, "{id}");
        let line = |line: &str| line.starts_with('|') && line.contains(&format!("`{id}`"));
        assert!(runbook.lines().any(line), "{id} is not in docs/operations.md");
        let silent = &alarm["Properties"]["TreatMissingData"];
        let expected = if id == "DispatchSilenceAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(silent, expected, "{id}");
    }
}

#[test]
fn every_line_that_is_counted_in_the_logs_has_an_alarm() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (id, filter) in resources("AWS::Logs::MetricFilter") {
        assert_eq!(filter["Properties"]["LogGroupName"], json!({"Ref": "FunctionLogs"}), "{id}");
        let counted = &filter["Properties"]["MetricTransformations"][0];
        let rings = |alarm: &&Value| {
            let alarm = &alarm["Properties"];
            (&alarm["Namespace"], &alarm["MetricName"])
                == (&counted["MetricNamespace"], &counted["MetricName"])
        };
        assert_eq!(alarms.values().filter(rings).count(), 1, "{id}");
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
fn every_line_that_is_counted_in_the_logs_is_one_that_a_worker_writes() {
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
fn no_log_level_leaves_out_a_line_that_an_alarm_counts() {
    let levels = &template()["Parameters"]["LogLevel"]["AllowedValues"];
    assert_eq!(levels, &json!(["warn", "info", "debug"]));
}
