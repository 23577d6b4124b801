//! Files that are generated from the code: the examples of the OpenAPI document and the tables of `docs/`. `make
//! openapi` (`GENERATE=1`) rewrites them.

use std::{collections::BTreeMap, env, fs};

use serde_json::{Value, json};
use taskbell_api::{
    endpoint::{Access, Body, ENDPOINTS, Endpoint, NDJSON, Operation, Programs, RequestLimit, Tag},
    http::codes::ERROR_CODES,
    openapi::{document, operation_id},
};
use taskbell_domain::recurrence::Rule;
use taskbell_test::{
    fixtures::due_draft,
    template::{project, template},
};

use crate::{
    described::faults,
    support::{Event, World},
};

/// Compares a file of the project with its expected content, or writes it.
fn keep(path: &str, text: &str) {
    let file = project().join(path);
    let kept = fs::read_to_string(&file).unwrap_or_default();
    if env::var_os("GENERATE").is_some() && kept != text {
        fs::write(&file, text).expect("a file that can be written");
    } else {
        assert!(kept == text, "{path} is not current: make openapi");
    }
}

/// Compares the part of a document between its markers with a table.
fn keep_part(path: &str, name: &str, table: &str) {
    let whole = fs::read_to_string(project().join(path)).expect("a document");
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- end -->");
    let (before, rest) = whole.split_once(&begin).expect("the mark of its beginning");
    let (_, after) = rest.split_once(end).expect("the mark of its end");
    keep(path, &format!("{before}{begin}\n{table}\n{end}{after}"));
}

/// The event of an operation, in a separate world.
async fn event(endpoint: &Endpoint, operation: &Operation) -> (World, Event) {
    let (world, ada, mut task) = World::seeded().await;
    if endpoint.tag == Tag::Tasks && endpoint.path.contains("{task_id}") {
        // A task that recurs: all that can be done with a task can be done with it.
        let mut draft = due_draft("Wind the tower clock", "2026-03-02T09:00:00Z", &["PT1H"]);
        draft.recurrence = Some(Rule::parse("FREQ=WEEKLY").expect("a rule"));
        task = world.create(7, &ada, draft).await;
    }
    let mut event = world.event(endpoint.name, &ada, &task).await;
    event.json["requestContext"]["http"]["method"] = json!(operation.method);
    (world, event)
}

/// Replaces tokens, which differ between runs.
fn without_tokens(mut value: Value) -> Value {
    for (name, shown) in [
        ("access_token", "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c3JfIn0.c2lnbmF0dXJl"),
        ("refresh_token", "01JQ0000000000000000000000.01JQ0000000000000000000001.c2VjcmV0"),
        ("next_cursor", "c2lnbmF0dXJlIHBvc2l0aW9u"),
    ] {
        if value.get(name).is_some_and(Value::is_string) {
            value[name] = json!(shown);
        }
    }
    value
}

#[tokio::test]
async fn the_examples_of_the_document_are_requests_that_work_with_their_answers() {
    let mut examples = BTreeMap::new();
    for endpoint in ENDPOINTS {
        for operation in endpoint.operations {
            let (world, event) = event(endpoint, operation).await;
            let answer = world.send(&event).await;
            let id = operation_id(endpoint, operation);
            let body = operation.responses.iter().find(|(status, _)| *status == answer.status);
            assert!(answer.status < 300, "{id} answers {}: {}", answer.status, answer.body);
            let (_, body) = body.expect("a status that is described");
            let mut example = json!({ "status": answer.status });
            if let Some(text) = event.json["body"].as_str().filter(|_| operation.request.is_some()) {
                example["request"] = match operation.request {
                    Some(NDJSON) => json!(text),
                    _ => without_tokens(serde_json::from_str(text).expect("JSON")),
                };
            }
            if matches!(body, Body::Json(_) | Body::Page(_)) {
                example["response"] = without_tokens(answer.body);
            }
            examples.insert(id, example);
        }
    }
    let text = serde_json::to_string_pretty(&examples).expect("JSON") + "\n";
    keep("shared/api/src/openapi/examples.json", &text);
}

#[test]
fn every_example_of_the_document_is_valid() {
    let document = document();
    let (mut requests, mut answers) = (0, 0);
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            let id = &operation["operationId"];
            let body = &operation["requestBody"]["content"]["application/json"];
            if body.is_object() {
                assert_eq!(faults(&body["example"], &body["schema"]), [""; 0], "{id}");
                requests += 1;
            }
            for response in operation["responses"].as_object().expect("responses").values() {
                let content = &response["content"]["application/json"];
                if content["example"].is_object() {
                    assert_eq!(faults(&content["example"], &content["schema"]), [""; 0], "{id}");
                    answers += 1;
                }
            }
        }
    }
    assert!(requests >= 20 && answers >= 35, "{requests} requests, {answers} answers");
}

#[tokio::test]
async fn the_example_of_every_query_parameter_is_accepted() {
    let document = document();
    for endpoint in ENDPOINTS {
        for operation in endpoint.operations {
            for name in operation.parameters.iter().filter(|name| name.starts_with(char::is_lowercase))
            {
                let example = &document["components"]["parameters"][*name]["example"];
                // A cursor is valid for one user and query; a space and its name are valid for its members.
                if ["cursor", "space", "name"].contains(name) {
                    continue;
                }
                let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                let query = format!("{name}={}", example.replace('+', "%2B"));
                let (world, event) = event(endpoint, operation).await;
                let answer = world.send(&event.query(&query)).await;
                assert_eq!(answer.status, 200, "{} {query}: {}", endpoint.name, answer.body);
            }
        }
    }
}

#[test]
fn the_reference_lists_every_endpoint() {
    let mut rows =
        vec!["| Endpoint | | Who | API tokens with |".to_owned(), "|---|---|---|---|".to_owned()];
    for endpoint in ENDPOINTS {
        let who = match endpoint.access {
            Access::Public => "anybody",
            Access::User(_) => "users",
            Access::Operator => "operators",
        };
        let scope = match endpoint.access.programs() {
            Programs::WithScope(scope) => format!("`{}`", scope.as_str()),
            Programs::Refused => String::new(),
        };
        for operation in endpoint.operations {
            let (method, path, summary) = (operation.method, endpoint.path, operation.summary);
            rows.push(format!("| `{method} {path}` | {summary} | {who} | {scope} |"));
        }
    }
    keep_part("docs/api.md", "endpoints", &(rows.join("\n") + "\n"));
}

#[test]
fn the_reference_lists_every_code_of_a_problem() {
    let rows = ERROR_CODES
        .iter()
        .map(|known| format!("| {} | `{}` | {} |", known.status, known.code, known.meaning));
    let head = ["| Status | Code | Meaning |".to_owned(), "|---|---|---|".to_owned()];
    let rows: Vec<_> = head.into_iter().chain(rows).collect();
    keep_part("docs/api.md", "error-codes", &(rows.join("\n") + "\n"));
}

#[test]
fn the_limits_list_the_rate_limit_of_every_endpoint() {
    let template = template();
    let mut limits = BTreeMap::<String, Vec<&str>>::new();
    for endpoint in ENDPOINTS {
        let subject = if endpoint.access == Access::Public { "IP address" } else { "user" };
        let (limit, by) = match endpoint.rate_limit {
            RequestLimit::None => continue,
            RequestLimit::Fixed(limit) => (limit, String::new()),
            RequestLimit::Variable(variable, limit) => {
                let words =
                    variable.split('_').map(|word| word[..1].to_owned() + &word[1..].to_lowercase());
                let parameter = words.collect::<String>();
                let default = &template["Parameters"][&parameter]["Default"];
                let default = default.as_u64().and_then(|value| u32::try_from(value).ok());
                (limit(default.expect("a default")), format!(" (parameter `{parameter}`)"))
            }
        };
        let window = match limit.window.as_secs() {
            60 => "minute".to_owned(),
            3_600 => "hour".to_owned(),
            seconds => format!("{seconds} s"),
        };
        let row = format!("| `{}` | {} per {window} and {subject}{by} |", limit.name, limit.max);
        limits.entry(row).or_default().push(endpoint.name);
    }
    let mut rows = vec!["| Limit | Value | Endpoints |".to_owned(), "|---|---|---|".to_owned()];
    for (row, endpoints) in limits {
        let endpoints = match endpoints.len() {
            0..=9 => endpoints.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            _ => "all others".to_owned(),
        };
        rows.push(format!("{row} {endpoints} |"));
    }
    keep_part("docs/limits.md", "rate-limits", &(rows.join("\n") + "\n"));
}
