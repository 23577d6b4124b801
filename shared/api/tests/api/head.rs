//! Every path with GET supports HEAD, with the same response but without content (RFC 9110 §9.3.2).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskbell_api::openapi::DOCUMENT;
use taskbell_test::template::resources;

use crate::{
    functions::name_of,
    support::{Event, World},
};

/// The paths that support a method, and their functions.
fn routes(method: &str) -> BTreeMap<String, String> {
    let mut routes = BTreeMap::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_object().cloned().unwrap_or_default();
        for event in events.values().filter(|event| event["Properties"]["Method"] == method) {
            let path = event["Properties"]["Path"].as_str().expect("a path");
            assert_eq!(routes.insert(path.to_owned(), name_of(&id)), None, "{path}");
        }
    }
    routes
}

fn by(mut event: Event, method: &str, path: &str) -> Event {
    let context = &mut event.json["requestContext"];
    context["routeKey"] = json!(format!("{method} {path}"));
    context["http"]["method"] = json!(method);
    event
}

#[test]
fn exactly_the_paths_with_get_support_head() {
    assert!(routes("GET").len() >= 20);
    assert_eq!(routes("HEAD"), routes("GET"));
    let api = &resources("AWS::Serverless::HttpApi")["HttpApi"];
    let cors = &api["Properties"]["CorsConfiguration"]["AllowMethods"];
    assert!(cors.as_array().is_some_and(|methods| methods.contains(&json!("HEAD"))), "{cors}");
}

#[tokio::test]
async fn head_returns_the_status_and_headers_of_get_without_a_body() {
    for (path, function) in routes("GET") {
        let (world, ada, task) = World::seeded().await;
        let event = world.event(&function, &ada, &task).await.without_header("if-match");
        let unknown =
            event.clone().query("unknown=1").path("token", "x").without_header("authorization");
        for event in [event, unknown] {
            let mut get = world.send(&by(event.clone(), "GET", &path)).await;
            let mut head = world.send(&by(event, "HEAD", &path)).await;
            assert_eq!((head.status, &head.body), (get.status, &Value::Null), "{path}");
            let length: usize = head.headers["content-length"].parse().expect("a length");
            let content = match &get.body {
                Value::String(page) => page.len(),
                _ if path.ends_with("openapi.json") => DOCUMENT.len(),
                json => json.to_string().len(),
            };
            assert_eq!(length, content, "{path}");
            head.headers.remove("content-length");
            // Each request is counted.
            for answer in [&mut get, &mut head] {
                answer.headers.remove("ratelimit");
            }
            assert_eq!(head.headers, get.headers, "{path}");
        }
        assert_eq!(world.stored(task.id).await, task, "{path}: the task is unchanged");
    }
}

#[tokio::test]
async fn head_evaluates_preconditions_like_get() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("get-task", &ada, &task).await;
    let head = by(event, "HEAD", "/v1/tasks/{task_id}");
    for (name, tag, status) in
        [("if-none-match", "\"1\"", 304), ("if-none-match", "\"2\"", 200), ("if-match", "\"2\"", 412)]
    {
        let answer = world.send(&head.clone().header(name, tag)).await;
        assert_eq!((answer.status, &answer.body), (status, &Value::Null), "{name}: {tag}");
        assert_eq!(answer.headers.contains_key("content-length"), status != 304, "{name}: {tag}");
    }
}
