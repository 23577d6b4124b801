//! template.yaml as JSON, for tests that compare the program with it.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use serde_yaml_ng as yaml;

/// The root folder of the project.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the project's folder")
}

/// The template, with short forms of intrinsic functions in full (`!Ref x` is `{"Ref": "x"}`).
pub fn template() -> Value {
    let text = std::fs::read_to_string(project().join("template.yaml")).expect("template.yaml");
    plain(yaml::from_str(&text).expect("valid YAML"))
}

/// The resources of a type, by logical id.
pub fn resources(of_type: &str) -> Map<String, Value> {
    let template = template();
    let all = template["Resources"].as_object().expect("resources").clone();
    all.into_iter().filter(|(_, resource)| resource["Type"] == of_type).collect()
}

/// The properties of the resource with this logical id.
pub fn properties(id: &str) -> Value {
    let properties = template()["Resources"][id]["Properties"].clone();
    assert!(properties.is_object(), "the template has no {id}");
    properties
}

/// The statements of a function's role: those of its own policy, and those of the shared policies that it names.
pub fn statements(function: &Value) -> Vec<Value> {
    let policies = function["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
    let shared = resources("AWS::IAM::ManagedPolicy");
    let documents = policies.iter().map(|policy| match policy["Ref"].as_str() {
        Some(name) => shared[name]["Properties"]["PolicyDocument"].clone(),
        None => policy.clone(),
    });
    documents.flat_map(|one| one["Statement"].as_array().cloned().expect("statements")).collect()
}

/// The default value of a parameter.
pub fn default_of(parameter: &str) -> Value {
    template()["Parameters"][parameter]["Default"].clone()
}

/// `Queue.Arn`, if the value is `!GetAtt Queue.Arn`.
pub fn attribute(value: &Value) -> Option<String> {
    value["Fn::GetAtt"].as_str().map(str::to_owned)
}

/// A duration in seconds.
pub fn seconds(value: &Value) -> SignedDuration {
    let number = value.as_i64().unwrap_or_else(|| panic!("not a number of seconds: {value}"));
    SignedDuration::from_secs(number)
}

/// The timeout of a function.
pub fn timeout(function: &str) -> SignedDuration {
    let (own, common) =
        (&properties(function)["Timeout"], &template()["Globals"]["Function"]["Timeout"]);
    seconds(if own.is_null() { common } else { own })
}

/// The interval between dispatch runs.
pub fn schedule() -> SignedDuration {
    let events = &properties("DispatchDueTimersFunction")["Events"];
    let rate = &events["EveryMinute"]["Properties"]["ScheduleExpression"];
    let minutes =
        rate.as_str().and_then(|rate| rate.strip_prefix("rate(")?.split(' ').next()?.parse().ok());
    SignedDuration::from_mins(minutes.unwrap_or_else(|| panic!("not a rate in minutes: {rate}")))
}

fn plain(value: yaml::Value) -> Value {
    match value {
        yaml::Value::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = match name.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: plain(tagged.value) })
        }
        yaml::Value::Sequence(items) => items.into_iter().map(plain).collect(),
        yaml::Value::Mapping(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| (name.as_str().expect("a name").to_owned(), plain(value)))
                .collect(),
        ),
        other => serde_json::to_value(other).expect("JSON"),
    }
}
