//! The metrics that the code writes, and those that alarms, the dashboard and documents read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use taskbell_api::metrics::{KIND, METRICS, Metric, NAMESPACE, STACK};
use taskbell_test::template::{project, properties, resources};

/// The metrics that AWS publishes for a dimension, as far as the template reads them, and the type of resource that the
/// dimension names. `Logs` and `SES` have no resource type here: any log group, the whole account.
///
/// Sources: "Types of metrics for Lambda functions"; "Monitor HTTP API metrics", "Monitor WebSocket API metrics"; "Available
/// CloudWatch metrics for Amazon SQS"; "DynamoDB metrics and dimensions"; "Monitoring your SES sending activity"; "CloudWatch
/// Logs metrics".
const VENDED: [(&str, &str, &[&str], &[&str]); 7] = [
    (
        "AWS/Lambda",
        "FunctionName",
        &[
            "Invocations",
            "Errors",
            "Throttles",
            "Duration",
            "IteratorAge",
            "RecursiveInvocationsDropped",
        ],
        &["AWS::Serverless::Function"],
    ),
    ("AWS/ApiGateway", "ApiId", &["Count", "4xx", "5xx", "Latency"], &["AWS::Serverless::HttpApi"]),
    (
        "AWS/ApiGateway",
        "ApiId",
        &["ConnectCount", "MessageCount", "IntegrationError", "ClientError"],
        &["AWS::ApiGatewayV2::Api"],
    ),
    (
        "AWS/SQS",
        "QueueName",
        &[
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateAgeOfOldestMessage",
        ],
        &["AWS::SQS::Queue"],
    ),
    (
        "AWS/DynamoDB",
        "TableName",
        &[
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
        ],
        &["AWS::DynamoDB::Table"],
    ),
    ("AWS/SES", "", &["Reputation.BounceRate", "Reputation.ComplaintRate"], &[]),
    ("AWS/Logs", "LogGroupName", &["IncomingBytes"], &["AWS::Logs::LogGroup"]),
];

/// A metric that is read: its namespace, its name, and its dimensions, in which a resource is its logical id.
type Read = (String, String, BTreeMap<String, String>);

/// Fails if a metric is neither published by AWS for a resource of the template nor written by the code.
fn assert_exists((namespace, name, dimensions): &Read, place: &str) {
    if namespace == NAMESPACE {
        let metric = Metric::named(name).unwrap_or_else(|| panic!("{place}: nothing writes {name}"));
        assert!(!metric.by_kind, "{place}: {name} needs a kind");
        assert_eq!(
            dimensions,
            &[(STACK.to_owned(), "AWS::StackName".to_owned())].into(),
            "{place}: {name}"
        );
        return;
    }
    let of_type = |types: &[&str], id: &str| types.iter().any(|kind| resources(kind).contains_key(id));
    let is_vended = VENDED.iter().any(|(space, dimension, names, types)| {
        space == namespace
            && names.contains(&name.as_str())
            && match dimensions.iter().next() {
                None => dimension.is_empty(),
                Some((key, id)) => dimensions.len() == 1 && key == dimension && of_type(types, id),
            }
    });
    assert!(is_vended, "{place}: AWS publishes no {namespace} {name} with {dimensions:?}");
}

/// The logical id in `{"Ref": id}`, `{"Fn::GetAtt": "id.Name"}` or `${id.Name}`.
fn logical_id(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.trim_start_matches("${").trim_end_matches('}').to_owned(),
        _ => value["Ref"].as_str().or(value["Fn::GetAtt"].as_str()).unwrap_or_default().to_owned(),
    };
    text.split('.').next().unwrap_or_default().to_owned()
}

fn read_by_alarm(metric: &Value) -> Read {
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    let text = |name: &str| metric[name].as_str().expect("text").to_owned();
    let pair =
        |one: &Value| (one["Name"].as_str().expect("a name").to_owned(), logical_id(&one["Value"]));
    (text("Namespace"), text("MetricName"), dimensions.map(pair).collect())
}

#[test]
fn every_alarm_reads_metrics_that_exist() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 20);
    for (id, alarm) in alarms {
        let alarm = &alarm["Properties"];
        let several = alarm["Metrics"].as_array().into_iter().flatten();
        let several: Vec<_> = several.filter(|one| one.get("MetricStat").is_some()).collect();
        if several.is_empty() {
            assert_exists(&read_by_alarm(alarm), &id);
        }
        for one in several {
            assert_exists(&read_by_alarm(&one["MetricStat"]["Metric"]), &id);
            let expression = alarm["Metrics"][0]["Expression"].as_str().expect("an expression");
            assert!(expression.contains(one["Id"].as_str().expect("an id")), "{id}: {expression}");
        }
    }
}

fn dashboard() -> Vec<Value> {
    let body = properties("TaskbellDashboard")["DashboardBody"]["Fn::Sub"].clone();
    let body: Value = serde_json::from_str(body.as_str().expect("text")).expect("JSON");
    assert_eq!(body.as_object().expect("an object").keys().collect::<Vec<_>>(), ["widgets"]);
    body["widgets"].as_array().expect("widgets").clone()
}

/// The metrics and the search expressions of a widget.
fn read_by_widget(widget: &Value) -> (Vec<Read>, Vec<String>) {
    let (mut reads, mut searches) = (Vec::new(), Vec::new());
    for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
        let parts = metric.as_array().expect("an array");
        if let Some(expression) = parts[0]["expression"].as_str() {
            searches.push(expression.to_owned());
            continue;
        }
        let texts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
        let pairs = texts[2..].chunks(2);
        let dimensions = pairs.map(|pair| (pair[0].to_owned(), logical_id(&json!(pair[1]))));
        // `${AWS::StackName}` is no resource.
        reads.push((texts[0].to_owned(), texts[1].to_owned(), dimensions.collect()));
    }
    (reads, searches)
}

#[test]
fn the_dashboard_has_known_widgets_that_fit_and_read_metrics_that_exist() {
    let mut taken = BTreeSet::new();
    for widget in dashboard() {
        let properties = widget["properties"].as_object().expect("properties");
        let title = properties.get("title").unwrap_or(&Value::Null).to_string();
        // "Dashboard body structure and syntax", CloudWatch API reference.
        let known: &[&str] = match widget["type"].as_str() {
            Some("text") => &["markdown"],
            Some("log") => &["title", "view", "query", "region"],
            Some("metric") => &[
                "title",
                "view",
                "metrics",
                "region",
                "period",
                "stat",
                "annotations",
                "yAxis",
                "setPeriodToTimeRange",
            ],
            other => panic!("{other:?}"),
        };
        for name in properties.keys() {
            assert!(known.contains(&name.as_str()), "{title}: {name}");
        }
        let number = |name: &str| widget[name].as_u64().expect(name);
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(x < 24 && taken.insert((x, y)), "{title} overlaps another widget or the edge");
            }
        }
        let (reads, searches) = read_by_widget(&widget);
        assert!(widget["type"] != "metric" || !reads.is_empty() || !searches.is_empty(), "{title}");
        for read in &reads {
            assert_exists(read, &title);
        }
        for search in searches {
            let name = search.split("MetricName=\"").nth(1).and_then(|rest| rest.split('"').next());
            let name = name.expect("a name of a metric");
            match Metric::named(name) {
                Some(metric) => {
                    assert!(
                        metric.by_kind && search.contains(&format!("{{{NAMESPACE},{KIND},{STACK}}}")),
                        "{search}"
                    );
                }
                None => {
                    let lambda = &VENDED[0];
                    assert!(
                        lambda.2.contains(&name) && search.contains("{AWS/Lambda,FunctionName}"),
                        "{search}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let widgets: Vec<_> = dashboard().iter().map(read_by_widget).collect();
    for metric in METRICS {
        let is_read = widgets.iter().any(|(reads, searches)| {
            reads.iter().any(|(_, name, _)| name == metric.name)
                || searches.iter().any(|search| search.contains(metric.name))
        });
        assert!(is_read, "{}", metric.name);
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
fn every_metric_is_written_and_documented_and_nothing_else_is_named_like_one() {
    let code = sources(&project().join("shared/api/src"));
    let documented =
        std::fs::read_to_string(project().join("docs/metrics.md")).expect("docs/metrics.md");
    for metric in METRICS {
        assert!(code.contains(&format!("{} = ", metric.name)), "nothing writes {}", metric.name);
        let row = format!("| `{}` | {} |", metric.name, metric.unit.as_str());
        assert!(documented.contains(&row), "docs/metrics.md lacks {row}");
    }
    let rows = documented.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, METRICS.len(), "docs/metrics.md has rows for metrics that do not exist");
    // A field of a log line in capitals that is neither a metric nor a dimension would be a misspelled metric.
    for call in code.split("tracing::").skip(1) {
        let call = call.split(");").next().unwrap_or_default();
        let fields = call.split(['(', ',']).filter_map(|part| part.trim().split_once(" = "));
        for (name, _) in fields.filter(|(name, _)| {
            name.starts_with(|first: char| first.is_ascii_uppercase())
                && name.chars().all(char::is_alphanumeric)
        }) {
            assert!(Metric::named(name).is_some() || name == KIND, "{name} is no metric");
        }
    }
}

#[test]
fn saved_queries_name_messages_and_fields_that_are_logged() {
    let code = sources(&project().join("shared/api/src")) + &sources(&project().join("functions/src"));
    let queries = resources("AWS::Logs::QueryDefinition");
    assert_eq!(queries.len(), 5);
    for (id, query) in queries {
        assert_eq!(query["Properties"]["LogGroupNames"], json!([{"Ref": "FunctionLogs"}]), "{id}");
        let text = query["Properties"]["QueryString"].as_str().expect("text");
        for message in text.split("message = '").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(code.contains(&format!("\"{message}\"")), "{id}: nothing logs {message}");
        }
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_@'".contains(c)));
        for word in words.filter(|word| word.len() > 3 && word.contains('_')) {
            let is_field = code.contains(&format!("{word} =")) || code.contains(&format!("{word},"));
            assert!(is_field, "{id}: no line has {word}");
        }
    }
}
