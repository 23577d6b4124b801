//! Responses stay below the limit of Lambda: 6,291,556 bytes, with the body as a JSON string.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskbell_api::http::{Call, HttpEvent, Invocation, MAX_PAGE, NoGuard, Reply, respond};
use taskbell_domain::{
    ports::Comments,
    task::{Task, TaskDraft},
    text::{CommentText, Description},
    user::User,
};
use taskbell_test::{
    MemoryStore,
    contract::Store,
    fixtures::{comment, draft, due_draft, now},
};
use taskbell_test_aws::Server;

use crate::{
    described::decompressed,
    support::{Answer, World},
};

/// The size of a body in Lambda's response, in bytes.
fn bytes(answer: &Answer) -> usize {
    json!(answer.body.to_string()).to_string().len()
}

/// A draft with the longest description, of characters that are escaped twice.
fn large(title: &str) -> TaskDraft {
    TaskDraft { description: Description::parse(&"\"".repeat(16_000)).expect("a text"), ..draft(title) }
}

async fn with_large_tasks<S: Store>(world: &World<S>) -> (User, Vec<Task>) {
    let ada = world.register(1).await;
    let mut tasks = Vec::new();
    for number in 0..100 {
        tasks.push(world.create(100 + number, &ada, large(&format!("task {number}"))).await);
    }
    (ada, tasks)
}

/// Reads a whole list. Returns the ids and the number of items per page.
async fn walk<S: Store>(
    world: &World<S>,
    list: &str,
    (ada, task): (&User, &Task),
    query: &str,
) -> (BTreeSet<String>, Vec<usize>) {
    let event = world.event(list, ada, task).await;
    let (mut ids, mut pages, mut cursor) = (BTreeSet::new(), Vec::new(), String::new());
    for _ in 0..200 {
        let answer = world.send(&event.clone().query(&format!("limit=100{query}{cursor}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.code());
        assert!(answer.body.to_string().len() < MAX_PAGE + 1_000, "{}", answer.body.to_string().len());
        assert!(bytes(&answer) < 5_000_000);
        let items = answer.body["items"].as_array().expect("items");
        for item in items {
            assert!(ids.insert(item["id"].to_string()), "{query}: twice");
        }
        pages.push(items.len());
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (ids, pages),
        }
    }
    panic!("{list} does not end");
}

async fn pages_of_large_tasks<S: Store>(world: &World<S>) {
    let (ada, tasks) = with_large_tasks(world).await;
    for query in ["", "&sort=-updated", "&sort=title", "&sort=created", "&priority=medium", "&q=task"] {
        let (ids, pages) = walk(world, "list-tasks", (&ada, &tasks[0]), query).await;
        assert_eq!(ids.len(), 100, "{query}");
        assert!(pages.len() > 3 && pages[..3].iter().all(|items| *items > 20), "{query}: {pages:?}");
    }
}

#[tokio::test]
async fn a_page_of_large_tasks_ends_early_and_the_next_page_continues() {
    pages_of_large_tasks(&World::on(MemoryStore::default())).await;
}

#[tokio::test]
async fn a_page_of_large_tasks_ends_early_on_dynamodb() {
    let server = Server::start().await;
    pages_of_large_tasks(&World::on(server.store(server.client()))).await;
}

#[tokio::test]
async fn a_page_of_long_comments_ends_early_and_the_next_page_continues() {
    let (world, ada, task) = World::seeded().await;
    for number in 100..200 {
        let mut comment = comment(number, &task, &ada);
        comment.text = CommentText::parse(&"🔔".repeat(4_000)).expect("a text");
        world.store.add_comment(&comment, None).await.expect("no store error");
    }
    let (ids, pages) = walk(&world, "list-comments", (&ada, &task), "").await;
    assert_eq!((ids.len(), pages.len()), (101, 2), "{pages:?}");
}

/// Sends a batch. Returns its results.
async fn batch(world: &World, by: &User, task: &Task, key: &str, operations: &[Value]) -> Vec<Value> {
    let event = world.event("batch-tasks", by, task).await.header("idempotency-key", key);
    let answer = world.send(&event.body(&json!({ "operations": operations }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body["code"]);
    assert!(bytes(&answer) < 5_000_000, "{}", bytes(&answer));
    answer.body["results"].as_array().expect("results").clone()
}

#[tokio::test]
async fn a_large_batch_marks_omitted_tasks_and_can_be_replayed() {
    let world = World::on(MemoryStore::default());
    let (ada, tasks) = with_large_tasks(&world).await;
    let operations: Vec<_> = tasks
        .iter()
        .map(|task| json!({ "op": "update", "id": task.id, "task": { "priority": "high" } }))
        .collect();
    for replayed in [false, true] {
        let results = batch(&world, &ada, &tasks[0], "k", &operations).await;
        assert_eq!(results.len(), 100);
        for (result, task) in results.iter().zip(&tasks) {
            assert_eq!((&result["status"], &result["id"]), (&json!(200), &json!(task.id)));
            assert_eq!(result["replayed"], replayed);
            let omitted = result["task_omitted"] == true;
            assert_eq!(omitted, result.get("task").is_none(), "{}", result["id"]);
        }
        let whole = results.iter().filter(|result| result.get("task").is_some()).count();
        assert!((40..60).contains(&whole), "{whole}");
        assert!(results[..whole].iter().all(|result| result["task"]["priority"] == "high"));
    }
    assert_eq!(world.stored(tasks[99].id).await.version, 2, "once");
}

#[tokio::test]
async fn a_full_batch_response_still_has_created_ids_and_errors() {
    let world = World::on(MemoryStore::default());
    let (ada, tasks) = with_large_tasks(&world).await;
    let complete = |task: &Task| json!({ "op": "complete", "id": task.id });
    let mut operations: Vec<_> = tasks[..90].iter().map(complete).collect();
    // Operations with as many errors as possible.
    let fields: serde_json::Map<_, _> = (0..300).map(|n| (format!("{n:0>64}"), json!(0))).collect();
    operations.extend((0..9).map(|_| json!({ "op": "create", "task": fields })));
    operations.push(json!({ "op": "create", "task": { "title": "last" } }));
    let results = batch(&world, &ada, &tasks[0], "k", &operations).await;
    for (index, named) in [(90, 50), (91, 1), (98, 1)] {
        let (status, wrong) = (&results[index]["status"], &results[index]["problem"]);
        let errors = wrong["errors"].as_array().map(Vec::len);
        assert_eq!((status, errors), (&json!(422), Some(named)), "{index}");
        let detail = wrong["detail"].as_str().expect("a sentence");
        assert!(detail.starts_with("301 fields are not valid"), "{detail}");
    }
    let (last, created) = (&results[99], results[99]["id"].as_str().expect("an id"));
    assert_eq!((&last["status"], &last["task_omitted"]), (&json!(201), &json!(true)));
    assert_eq!(world.stored(created.parse().expect("an id")).await.title.as_str(), "last");
}

#[tokio::test]
async fn only_the_first_fifty_invalid_fields_are_listed() {
    let (world, ada, task) = World::seeded().await;
    let many = |count: usize| (0..count).map(|n| (format!("{n}"), json!(0))).collect::<Value>();
    // At the top, in an object, in elements of arrays, and in all operations of a batch.
    for (function, body, total) in [
        ("create-task", many(40_000), 40_001),
        ("update-profile", json!({ "mail": many(40_000) }), 40_000),
        ("create-task", json!({ "title": "t", "reminders": vec![many(2_500); 16] }), 40_000),
        ("create-task", json!({ "title": "t", "checklist": vec![many(400); 100] }), 40_100),
    ] {
        let event = world.event(function, &ada, &task).await;
        let answer = world.send(&event.body(&body)).await;
        assert_eq!((answer.status, answer.errors().len()), (422, 50), "{function}");
        let detail = answer.body["detail"].as_str().expect("a sentence");
        assert!(detail.starts_with(&format!("{total} fields are not valid")), "{detail}");
        assert!(bytes(&answer) < 10_000);
    }
    let wrong = json!({ "op": "create", "task": many(400) });
    let results = batch(&world, &ada, &task, "k", &vec![wrong; 100]).await;
    assert!(json!(results).to_string().len() < 60_000, "{}", json!(results).to_string().len());
    let query: Vec<_> = (0..1_000).map(|n| format!("p{n}={n}")).collect();
    let list = world.event("list-tasks", &ada, &task).await.query(&query.join("&"));
    let answer = world.send(&list).await;
    assert_eq!((answer.status, answer.errors().len()), (422, 50));
    assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.starts_with("1000 fields")));
}

#[tokio::test]
async fn a_page_of_tasks_is_compressed_for_clients_that_accept_it() {
    let (world, ada, task) = World::seeded().await;
    for number in 0..60 {
        let title = format!("Wind the clock of tower {number}");
        world.create(1_000 + number, &ada, due_draft(&title, "2026-03-02T09:00:00Z", &["PT30M"])).await;
    }
    let list = world.event("list-tasks", &ada, &task).await.query("limit=50");
    let plain = world.send(&list).await;
    assert_eq!(plain.headers.get("content-encoding"), None);
    let compressed = world.send(&list.clone().header("accept-encoding", "br, gzip")).await;
    assert_eq!((compressed.status, compressed.headers["content-encoding"].as_str()), (200, "gzip"));
    for answer in [&plain, &compressed] {
        assert_eq!(answer.headers["vary"], "Accept-Encoding");
    }
    let base64 = compressed.body.as_str().expect("base64");
    let (before, after) = (plain.body.to_string().len(), base64.len() / 4 * 3);
    assert!(before > 30_000 && after <= 8_000, "{before} became {after} bytes");
    let text: Value = serde_json::from_str(&decompressed(base64)).expect("JSON");
    assert_eq!(text, plain.body);
}

#[tokio::test]
async fn the_entity_tag_of_a_compressed_task_names_its_version() {
    let (world, ada, _) = World::seeded().await;
    let description = Description::parse(&"All the bells. ".repeat(100)).expect("a text");
    let task = world.create(77, &ada, TaskDraft { description, ..draft("Ring") }).await;
    let get = world.event("get-task", &ada, &task).await;
    assert_eq!(world.send(&get).await.headers["etag"], "\"1\"");
    let compressed = world.send(&get.clone().header("accept-encoding", "gzip")).await;
    let tag = compressed.headers["etag"].clone();
    assert_eq!((tag.as_str(), compressed.headers["content-encoding"].as_str()), ("\"1-gzip\"", "gzip"));
    for known in [tag.as_str(), "\"1\"", "W/\"1-gzip\""] {
        assert_eq!(
            world.send(&get.clone().header("if-none-match", known)).await.status,
            304,
            "{known}"
        );
    }
    let mut head = get.header("accept-encoding", "gzip");
    head.json["requestContext"]["http"]["method"] = json!("HEAD");
    let head = world.send(&head).await;
    let base64 = compressed.body.as_str().expect("base64");
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    assert_eq!(head.headers["content-length"], (base64.len() / 4 * 3 - padding).to_string());
    let update = world.event("update-task", &ada, &task).await;
    for (tag, status) in
        [("\"1-br\"", 412), ("\"2-gzip\"", 412), (tag.as_str(), 200), (tag.as_str(), 412)]
    {
        assert_eq!(world.send(&update.clone().header("if-match", tag)).await.status, status, "{tag}");
    }
}

#[tokio::test]
async fn a_response_too_large_for_lambda_becomes_a_problem() {
    let (world, ada, task) = World::seeded().await;
    let text = world.event("get-health", &ada, &task).await.json.to_string();
    for (quotes, status) in [(1_000, 200), (3_000_000, 200), (3_000_001, 500)] {
        let event: HttpEvent = serde_json::from_str(&text).expect("JSON");
        let body = "\"".repeat(quotes);
        let invocation = Invocation { deadline: now(), clock: &world.clock, random: &world.random };
        let answer = async |_: &Call<'_>| Ok(Reply::json_text(&body));
        let response = respond(event, invocation, &NoGuard, answer).await;
        assert_eq!(response.status_code.as_u16(), status, "{quotes}");
        if status == 500 {
            let problem: Value = serde_json::from_str(&response.body).expect("JSON");
            assert_eq!(problem["code"], "internal_error");
        }
    }
}
