//! Tasks: versions, preconditions, idempotency and ownership.

use serde_json::{Value, json};
use taskbell_domain::timer::{Timer, TimerTarget};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{draft, due_draft, instant, space},
};

use crate::support::World;

#[tokio::test]
async fn another_users_task_gets_the_same_404_as_a_missing_task() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let missing = taskbell_test::fixtures::task(99, &ada, draft("never stored"));
    for function in [
        "get-task",
        "update-task",
        "delete-task",
        "complete-task",
        "reopen-task",
        "move-task",
        "list-task-reminders",
    ] {
        let ask = async |task| {
            let mut answer = world.send(&world.event(function, &eve, task).await).await;
            answer.headers.remove("ratelimit").expect("each request is counted");
            answer
        };
        let (foreign, absent) = (ask(&task).await, ask(&missing).await);
        assert_eq!((foreign.status, foreign.code()), (404, "not_found"), "{function}");
        assert_eq!((&foreign.headers, &foreign.body), (&absent.headers, &absent.body), "{function}");
        for bad in ["", "tsk_", "../x", "tsk_01jq0000000000000000000000", &ada.id.to_string()] {
            let event = world.event(function, &ada, &task).await.path("task_id", bad);
            assert_eq!(world.send(&event).await.body, absent.body, "{function} {bad}");
        }
    }
    assert_eq!(world.stored(task.id).await, task);
    let list = world.send(&world.event("list-tasks", &eve, &task).await).await;
    assert_eq!(list.body, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_change_applies_only_to_the_version_in_if_match() {
    let (world, ada, task) = World::seeded().await;
    let patch = world.event("update-task", &ada, &task).await;
    for stale in ["\"2\"", "\"0\", \"7\"", "W/\"1\"", "\"1,\"", "\",1\"", ""] {
        let refused = world.send(&patch.clone().header("if-match", stale)).await;
        assert_eq!((refused.status, refused.code()), (412, "version_mismatch"), "{stale}");
    }
    assert_eq!(world.stored(task.id).await, task);
    let made = world.send(&patch.header("if-match", "\"0\", \"1\"")).await;
    assert_eq!((made.status, made.headers["etag"].as_str()), (200, "\"2\""));

    let delete = world.event("delete-task", &ada, &task).await;
    assert_eq!(world.send(&delete.clone().header("if-match", "\"1\"")).await.status, 412);
    assert_eq!(world.send(&delete.clone().header("if-match", "*")).await.status, 204);
    assert_eq!(world.send(&delete).await.status, 404);
}

#[tokio::test]
async fn a_reminder_that_is_sent_between_a_read_and_a_change_does_not_fail_its_if_match() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let task = world.create(1, &ada, due_draft("Ring", "2026-03-01T09:00:00Z", &["PT30M"])).await;
    let read = world.send(&world.event("get-task", &ada, &task).await).await;
    world.clock.set(instant("2026-03-01T08:29:00Z"));
    let outbox = Outbox::default();
    world.tick(&outbox).await;
    assert_eq!(outbox.sent().len(), 1);

    let tag = &read.headers["etag"];
    let again = world.event("get-task", &ada, &task).await.header("if-none-match", tag);
    assert_eq!(world.send(&again).await.status, 304, "it looks the same");
    let patch = world.event("update-task", &ada, &task).await.header("if-match", tag);
    let changed = world.send(&patch).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(2)), "{}", changed.body);
    let log = world.on_task("list-task-reminders", &changed.body["id"]).await.body;
    assert_eq!(log["items"][0]["status"], "sent", "the change keeps the delivery");
}

#[tokio::test]
async fn a_change_by_any_endpoint_applies_only_to_the_given_version() {
    let functions = ["complete-task", "reopen-task", "skip-task", "snooze-task", "move-task"];
    let operations = ["update", "complete", "move", "delete"];
    for name in functions.into_iter().chain(operations) {
        let (world, ada, task) = World::seeded().await;
        let recurs = json!({ "recurrence": "FREQ=DAILY" });
        let update = world.event("update-task", &ada, &task).await.without_header("if-match");
        assert_eq!(world.send(&update.body(&recurs)).await.status, 200);
        if name == "reopen-task" {
            assert_eq!(world.as_user("complete-task", &ada, &task).await.status, 200);
        }
        let current = world.stored(task.id).await.version;
        let change = async |version: u64| {
            if !operations.contains(&name) {
                let event = world.event(name, &ada, &task).await;
                return world.send(&event.header("if-match", &format!("\"{version}\""))).await.status;
            }
            let mut operation = json!({ "op": name, "id": task.id, "version": version });
            match name {
                "update" => operation["task"] = json!({ "title": "another" }),
                "move" => operation["space"] = json!(space(1, &ada).0.id),
                _ => {}
            }
            let event = world.event("batch-tasks", &ada, &task).await;
            let event = event.without_header("idempotency-key");
            let answer = world.send(&event.body(&json!({ "operations": [operation] }))).await;
            let status = &answer.body["results"][0]["status"];
            status.as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status")
        };
        let before = world.store.contents();
        assert_eq!(change(current + 1).await, 412, "{name}");
        assert!(world.store.contents() == before, "{name} changed the store");
        assert!(change(current).await < 300, "{name}");
        assert!(world.store.contents() != before, "{name} did not change the store");
    }
}

#[tokio::test]
async fn if_none_match_with_the_current_version_gets_304() {
    let (world, ada, task) = World::seeded().await;
    let get = world.event("get-task", &ada, &task).await;
    for known in ["\"1\"", "W/\"1\"", "\"9\", \"1\"", "*"] {
        let answer = world.send(&get.clone().header("if-none-match", known)).await;
        assert_eq!((answer.status, &answer.body), (304, &Value::Null), "{known}");
        assert_eq!(answer.headers["etag"], "\"1\"");
    }
    assert_eq!(world.send(&get.header("if-none-match", "\"2\"")).await.status, 200);
}

#[tokio::test]
async fn both_preconditions_apply_to_every_method_and_if_match_comes_first() {
    let changes = [
        "update-task",
        "delete-task",
        "complete-task",
        "reopen-task",
        "snooze-task",
        "skip-task",
        "move-task",
    ];
    for function in ["get-task"].into_iter().chain(changes) {
        let (world, ada, task) = World::seeded().await;
        let event = world.event(function, &ada, &task).await.without_header("if-match");
        let known = if function == "get-task" { (304, "") } else { (412, "precondition_failed") };
        for (if_match, if_none_match, expected) in [
            (Some("\"2\""), None, (412, "version_mismatch")),
            (Some("W/\"1\""), None, (412, "version_mismatch")),
            (Some("\"2\""), Some("\"1\""), (412, "version_mismatch")),
            (Some("\"1\""), Some("W/\"1\""), known),
            (None, Some("\"1\""), known),
            (None, Some("*"), known),
            (None, Some("\"0\", \"a,b\",W/\"1\""), known),
            (Some("1"), None, (400, "invalid_header")),
            (None, Some("\"1"), (400, "invalid_header")),
            (Some("\"1\" \"1\""), None, (400, "invalid_header")),
        ] {
            let headers = [("if-match", if_match), ("if-none-match", if_none_match)];
            let event = headers.into_iter().fold(event.clone(), |event, (name, value)| match value {
                Some(value) => event.header(name, value),
                None => event,
            });
            let answer = world.send(&event).await;
            let case = format!("{function} {if_match:?} {if_none_match:?}");
            assert_eq!((answer.status, answer.code()), expected, "{case}");
            assert_eq!(world.stored(task.id).await, task, "{case}");
        }
        let held = event.header("if-match", "\"a,b\", \"1\"").header("if-none-match", "\"2\"");
        let answer = world.send(&held).await;
        let done = if function == "skip-task" { 409 } else { 200 };
        let done = if function == "delete-task" { 204 } else { done };
        assert_eq!(answer.status, done, "{function}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_missing_task_gets_404_with_any_preconditions() {
    let (world, _, task) = World::seeded().await;
    let eve = world.register(2).await;
    for function in ["get-task", "update-task", "delete-task", "complete-task"] {
        let event = world.event(function, &eve, &task).await;
        for (name, tag) in [("if-match", "\"7\""), ("if-none-match", "*")] {
            assert_eq!(
                world.send(&event.clone().header(name, tag)).await.status,
                404,
                "{function} {name}"
            );
        }
    }
}

#[tokio::test]
async fn an_empty_patch_changes_nothing() {
    let (world, ada, task) = World::seeded().await;
    let answer = world.send(&world.event("update-task", &ada, &task).await.body(&json!({}))).await;
    assert_eq!((answer.status, &answer.body["version"]), (200, &json!(1)));
    assert_eq!(world.stored(task.id).await, task);
}

#[tokio::test]
async fn null_clears_optional_fields() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("update-task", &ada, &task).await;
    let all =
        json!({"description": null, "category": null, "tags": null, "due": null, "reminders": null});
    let cleared = world.send(&event.clone().body(&all)).await.body;
    assert_eq!(
        [&cleared["description"], &cleared["due"], &cleared["due_at"], &cleared["reminders"]],
        [&json!(""), &Value::Null, &Value::Null, &json!([])]
    );
    let needed =
        world.send(&event.body(&json!({"title": null, "status": null, "priority": null}))).await;
    assert_eq!(
        needed.errors(),
        [("title", "required"), ("status", "required"), ("priority", "required")]
    );
}

#[tokio::test]
async fn completing_and_reopening_are_idempotent() {
    let (world, ada, task) = World::seeded().await;
    let complete = world.event("complete-task", &ada, &task).await;
    let reopen = world.event("reopen-task", &ada, &task).await;
    let first = world.send(&complete).await;
    assert_eq!((&first.body["status"], &first.body["version"]), (&json!("completed"), &json!(2)));
    assert_eq!(world.send(&complete).await.body, first.body);
    let open = world.send(&reopen).await;
    assert_eq!((&open.body["status"], &open.body["version"]), (&json!("pending"), &json!(3)));
    assert_eq!(world.send(&reopen).await.body, open.body);
    let log = world.on_task("list-task-reminders", &open.body["id"]).await.body;
    assert_eq!(log["items"][0]["status"], "scheduled");
}

#[tokio::test]
async fn the_same_idempotency_key_and_body_return_the_same_task() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await;
    let first = world.send(&event).await;
    let again = world.send(&event).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&again.body, &again.headers["location"]), (&first.body, &first.headers["location"]));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));

    let other = world.send(&event.clone().body(&json!({"title": "Another"}))).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));

    let eve = world.register(2).await;
    let key = event.json["headers"]["idempotency-key"].as_str().expect("a key").to_owned();
    let hers = world.event("create-task", &eve, &task).await.header("idempotency-key", &key);
    assert_ne!(world.send(&hers).await.body["id"], first.body["id"], "keys are separate per user");

    let id = first.body["id"].as_str().expect("an id");
    let delete = world.event("delete-task", &ada, &task).await.path("task_id", id);
    assert_eq!(world.send(&delete).await.status, 204);
    assert_eq!(world.send(&event).await.code(), "already_deleted");
}

#[tokio::test]
async fn a_reminder_within_the_dispatch_horizon_is_queued_at_once() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let due = |due: &str| json!({"title": "t", "due": due, "reminders": [{"before": "PT0S"}]});
    world.send(&event.clone().body(&due("2026-03-01T08:02:01Z"))).await;
    assert_eq!(world.queue.take(), [], "the dispatcher finds it in time");
    let near = world.send(&event.body(&due("2026-03-01T08:02:00Z"))).await;
    let task_id = near.body["id"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(
        world.queue.take(),
        [Timer { at: instant("2026-03-01T08:02:00Z"), target: TimerTarget::Task(task_id) }]
    );
}
