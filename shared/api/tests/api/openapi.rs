//! The OpenAPI document says what the functions do.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskbell_api::openapi::{DOCUMENT, document};
use taskbell_test::template::resources;

use crate::support::World;

#[test]
fn the_document_that_is_served_is_current() {
    let served: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    assert!(served == document(), "it is not current: make openapi");
}

#[test]
fn every_route_of_the_template_is_described_and_no_other() {
    let mut routes = BTreeSet::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_object().cloned().unwrap_or_default();
        for event in events.values().filter(|event| event["Type"] == "HttpApi") {
            let of = |name: &str| event["Properties"][name].as_str().expect("a text").to_owned();
            if of("Method") == "HEAD" {
                continue; // it is said once, for all that have GET
            }
            routes.insert((of("Method").to_lowercase(), of("Path"), id.clone()));
        }
    }
    let mut described = BTreeSet::new();
    for (path, operations) in document()["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id").trim_end_matches("-get");
            let words = id.trim_end_matches("-post").split('-');
            let camel = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>();
            described.insert((method.clone(), path.clone(), format!("{camel}Function")));
        }
    }
    assert_eq!(described, routes);
}

/// What a value has that its schema does not allow, or lacks that it demands.
fn faults(value: &Value, schema: &Value, document: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return faults(value, &document["components"]["schemas"][name], document, place);
    }
    if let Some(any) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let all: Vec<_> = any.iter().map(|one| faults(value, one, document, place)).collect();
        return all.iter().find(|found| found.is_empty()).or(all.last()).cloned().unwrap_or_default();
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => Vec::new(),
        kind => vec![kind.clone()],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.is_empty() && !kinds.contains(&json!(kind)) {
        return vec![format!("{place} is {kind}, not {kinds:?}")];
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        return vec![format!("{place} is none of {words:?}")];
    }
    let mut found = Vec::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(item, &schema["items"], document, &format!("{place}[{index}]")));
    }
    if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("a name");
            found.extend((!fields.contains_key(name)).then(|| format!("{place}.{name} is missing")));
        }
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => {
                    found.extend(faults(field, schema, document, &format!("{place}.{name}")))
                }
                None => found.push(format!("{place}.{name} is not described")),
            }
        }
    }
    found
}

#[tokio::test]
async fn every_function_answers_what_the_document_says() {
    let document = document();
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            if id.starts_with("unsubscribe") || id.starts_with("run-action") || id == "get-openapi" {
                continue; // a page, and the document itself
            }
            let (world, ada, task) = World::seeded().await;
            let event = world.event(id, &ada, &task).await;
            for refused in [false, true] {
                let event = match refused {
                    true => event.clone().header("if-match", "é").raw_body("{"),
                    false => event.clone(),
                };
                let answer = world.send(&event).await;
                let response = &operation["responses"][answer.status.to_string()];
                assert!(response.is_object(), "{method} {path}: {} is not described", answer.status);
                let content = response["content"].as_object().and_then(|all| all.values().next());
                let schema = content.map_or(&Value::Null, |content| &content["schema"]);
                let found = faults(&answer.body, schema, &document, id);
                assert!(
                    found.is_empty(),
                    "{method} {path} {}: {found:#?}\n{}",
                    answer.status,
                    answer.body
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked}");
}
