//! Invalid bodies: the right status, an error that names the field, and nothing stored.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Event, World};

async fn creating() -> (World, Event) {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    (world, event)
}

#[tokio::test]
async fn each_invalid_field_is_reported_with_its_code() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let tags = |count: usize| json!((0..count).map(|n| format!("t{n}")).collect::<Vec<_>>());
    let reminders: Vec<_> = (0..21).map(|n| json!({"before": format!("PT{n}M")})).collect();
    let due = "2026-03-09T09:00:00Z";
    for (body, field, code) in [
        (json!({}), "title", "required"),
        (json!({"title": null}), "title", "required"),
        (json!({"title": 7}), "title", "wrong_type"),
        (json!({"title": ""}), "title", "too_short"),
        (json!({"title": " \u{2003} "}), "title", "too_short"),
        (json!({"title": "x".repeat(501)}), "title", "too_long"),
        (json!({"title": "a\u{0}b"}), "title", "invalid_characters"),
        (json!({"title": "a\r\nBcc: eve@example.com"}), "title", "invalid_characters"),
        (json!({"title": "t", "colour": "red"}), "colour", "unknown_field"),
        (json!({"title": "t", "description": "a\u{0}"}), "description", "invalid_characters"),
        (json!({"title": "t", "description": "x".repeat(16_001)}), "description", "too_long"),
        (json!({"title": "t", "status": "done"}), "status", "unknown_value"),
        (json!({"title": "t", "priority": 1}), "priority", "wrong_type"),
        (json!({"title": "t", "category": "x".repeat(101)}), "category", "too_long"),
        (json!({"title": "t", "tags": "home"}), "tags", "wrong_type"),
        (json!({"title": "t", "tags": tags(51)}), "tags", "too_many"),
        (json!({"title": "t", "tags": ["home", "x", "HOME"]}), "tags[2]", "duplicate"),
        (json!({"title": "t", "tags": ["ok", 5]}), "tags[1]", "wrong_type"),
        (json!({"title": "t", "due": "tomorrow"}), "due", "invalid_time"),
        (json!({"title": "t", "due": "2026-03-01T09:00"}), "due", "time_without_zone"),
        (json!({"title": "t", "due": "2026-03-01T09:00[Mars/Olympus]"}), "due", "unknown_time_zone"),
        (json!({"title": "t", "due": "0001-01-01"}), "due", "out_of_range"),
        (json!({"title": "t", "due": "9000-01-01T00:00:00Z"}), "due", "out_of_range"),
        (json!({"title": "t", "due": due, "reminders": reminders}), "reminders", "too_many"),
        (json!({"title": "t", "reminders": [{"before": "PT5M"}]}), "reminders[0]", "needs_due"),
        (
            json!({"title": "t", "due": due, "reminders": [{"before": "5m"}]}),
            "reminders[0].before",
            "invalid_duration",
        ),
        (
            json!({"title": "t", "due": due, "reminders": [{"before": "PT5M", "at": due}]}),
            "reminders[0]",
            "wrong_type",
        ),
        (
            json!({"title": "t", "due": due, "reminders": [{"before": "PT1H", "sound": 1}]}),
            "reminders[0].sound",
            "unknown_field",
        ),
        (
            json!({"title": "t", "due": due, "reminders": [{"before": "PT60M"}, {"before": "PT1H"}]}),
            "reminders[1]",
            "duplicate",
        ),
        (
            json!({"title": "t", "due": due, "reminders": [{"at": "2026-03-01"}]}),
            "reminders[0].at",
            "invalid_time",
        ),
    ] {
        let answer = world.send(&event.clone().body(&body)).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{body}");
        assert_eq!(answer.errors(), [(field, code)], "{body}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let list = world.send(&world.event("list-tasks", &ada, &task).await).await;
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1), "nothing was stored");
}

#[tokio::test]
async fn all_errors_in_a_body_are_reported_together() {
    let (world, event) = creating().await;
    let answer = world.send(&event.body(&json!({"titel": "t", "due": 5, "priority": "top"}))).await;
    assert_eq!(
        answer.errors(),
        [
            ("title", "required"),
            ("priority", "unknown_value"),
            ("due", "wrong_type"),
            ("titel", "unknown_field"),
        ]
    );
}

#[tokio::test]
async fn a_past_due_time_is_accepted_and_its_reminders_are_skipped() {
    let (world, event) = creating().await;
    let answer = world.send(&event.body(&json!({"title": "t", "due": "2020-02-29"}))).await;
    assert_eq!(answer.status, 201);
    let log = world.on_task("list-task-reminders", &answer.body["id"]).await;
    let reminder = &log.body["items"][0];
    assert_eq!(
        (&reminder["status"], &reminder["reason"]),
        (&json!("skipped"), &json!("past_when_set"))
    );
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let (world, event) = creating().await;
    for malformed in [
        "",
        "{",
        "{\"title\":}",
        "{'title': 1}",
        "{\"title\": \"\\ud800\"}",
        "\u{feff}{\"title\": \"t\"}",
        "{\"title\": \"t\"} {}",
        "{\"title\": NaN}",
        "{\"title\": 1e999}",
        &"[".repeat(100_000),
    ] {
        let answer = world.send(&event.clone().raw_body(malformed)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "malformed_json"),
            "{}",
            &malformed[..malformed.len().min(40)]
        );
    }
    for other in ["[]", "\"title\"", "null", "7"] {
        let answer = world.send(&event.clone().raw_body(other)).await;
        assert_eq!(answer.errors(), [("body", "wrong_type")], "{other}");
    }
}

#[tokio::test]
async fn a_body_with_invalid_utf8_is_malformed() {
    let (world, mut event) = creating().await;
    event.json["body"] = json!("eyJ0aXRsZSI6Iv8ifQ=="); // {"title":"<0xff>"}
    event.json["isBase64Encoded"] = json!(true);
    let answer = world.send(&event).await;
    assert_eq!((answer.status, answer.code()), (400, "malformed_json"));
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_too_large() {
    let (world, event) = creating().await;
    let huge = json!({"title": "t", "description": "x".repeat(10_000_000)});
    let answer = world.send(&event.body(&huge)).await;
    assert_eq!((answer.status, answer.code()), (413, "body_too_large"));
}

#[tokio::test]
async fn the_largest_valid_task_is_accepted() {
    let (world, event) = creating().await;
    let wide = "\u{1F514}"; // four bytes, twelve as an escape
    let tags: Vec<_> = (0..50).map(|n| format!("{n:02}{}", wide.repeat(98))).collect();
    let reminders: Vec<_> = (0..20).map(|n| json!({"before": format!("PT{}M", n + 1)})).collect();
    let steps: Vec<_> = (0..100).map(|_| json!({"title": wide.repeat(200), "done": true})).collect();
    let largest = json!({
        "checklist": steps, "title": wide.repeat(500), "description": wide.repeat(16_000), "category": wide.repeat(100),
        "tags": tags, "due": "2026-04-01T09:00[Europe/Berlin]", "reminders": reminders,
    });
    let escaped = largest.to_string().replace(wide, "\\ud83d\\udd14");
    let answer = world.send(&event.raw_body(&escaped)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["title"], Value::String(wide.repeat(500)));
}

#[tokio::test]
async fn a_body_needs_a_json_content_type() {
    let (world, event) = creating().await;
    for other in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/json, application/json",
        "application/json; charset=utf-16",
        "application/json; charset=ISO-8859-1",
        "application/json; charset=utf-8; charset=\"latin1\"",
        "application/json; charset=\u{1}",
        "application/json; charset",
        "application/json; charset=\"utf-8",
    ] {
        let answer = world.send(&event.clone().header("content-type", other)).await;
        match other.contains('\u{1}') {
            true => assert_eq!((answer.status, answer.code()), (400, "invalid_header"), "{other}"),
            false => {
                assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{other}");
                let accepted = "application/json, application/merge-patch+json";
                assert_eq!(answer.headers["accept"], accepted);
            }
        }
    }
    assert_eq!(world.send(&event.clone().without_header("content-type")).await.status, 415);
    for same in [
        "Application/JSON; charset=utf-8",
        "application/json;charset=\"UTF-8\"; profile=\"a;b\"",
        "application/json; CharSet=Utf-8;",
        "application/merge-patch+json; v=1; w=2",
    ] {
        assert_eq!(world.send(&event.clone().header("content-type", same)).await.status, 201, "{same}");
    }
}

#[tokio::test]
async fn a_patch_with_an_unsupported_media_type_gets_415_with_accept_patch() {
    let (world, ada, task) = World::seeded().await;
    for function in ["update-task", "update-profile", "update-space", "update-comment"] {
        let event = world.event(function, &ada, &task).await;
        let answer = world.send(&event.header("content-type", "application/json-patch+json")).await;
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{function}");
        let accepted = &answer.headers["accept-patch"];
        assert_eq!(accepted, "application/json, application/merge-patch+json", "{function}");
    }
}

#[tokio::test]
async fn an_encoded_body_gets_415_with_accept_encoding() {
    let (world, event) = creating().await;
    for coding in
        ["gzip", "identity, gzip", "br,identity", "GZIP", "gzip, gzip", "x", "\"identity\"", ";"]
    {
        let answer = world.send(&event.clone().header("content-encoding", coding)).await;
        assert_eq!((answer.status, answer.code()), (415, "unsupported_encoding"), "{coding}");
        assert_eq!(answer.headers["accept-encoding"], "identity", "{coding}");
    }
    for none in ["identity", "Identity , ,identity", ""] {
        assert_eq!(
            world.send(&event.clone().header("content-encoding", none)).await.status,
            201,
            "{none}"
        );
    }
}

#[tokio::test]
async fn a_duplicate_json_key_is_refused_at_any_depth() {
    let (world, ada, task) = World::seeded().await;
    for (function, body) in [
        ("create-task", r#"{"title": "a", "title": "b"}"#),
        ("create-task", r#"{"title": "a", "\u0074itle": "a"}"#),
        ("create-task", r#"{"title": "a", "reminders": [{"at": "2027-01-01T09:00Z", "at": null}]}"#),
        (
            "create-task",
            r#"{"title": "a", "checklist": [{"title": "b"}, {"title": "b", "title": "c"}]}"#,
        ),
        ("update-task", r#"{"priority": "low", "priority": "high"}"#),
        ("update-profile", r#"{"mail": {"digest": true, "digest": false}}"#),
        (
            "batch-tasks",
            r#"{"operations": [{"op": "create", "op": "delete", "task": {"title": "a"}}]}"#,
        ),
        ("batch-tasks", r#"{"operations": [{"op": "create", "task": {"title": "a", "title": "b"}}]}"#),
        (
            "batch-tasks",
            r#"{"operations": [], "operations": [{"op": "create", "task": {"title": "a"}}]}"#,
        ),
    ] {
        let event = world.event(function, &ada, &task).await;
        for base64 in [false, true] {
            let mut event = event.clone().raw_body(body);
            if base64 {
                event.json["body"] = json!(STANDARD.encode(body));
                event.json["isBase64Encoded"] = json!(true);
            }
            let answer = world.send(&event).await;
            assert_eq!((answer.status, answer.code()), (400, "malformed_json"), "{function}: {body}");
        }
    }
    assert_eq!(world.stored(task.id).await, task, "the task is unchanged");
}

#[tokio::test]
async fn a_query_that_is_not_utf8_is_refused() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("list-tasks", &ada, &task).await;
    for query in ["q=%ff", "q=%C3", "%ff=1", "q=a&tag=%ED%A0%80"] {
        let answer = world.send(&event.clone().query(query)).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed_request"), "{query}");
    }
    for query in ["q=%EF%BF%BD", "q=\u{fffd}", "q=%C3%A9", "q=100%25", "q=100%"] {
        assert_eq!(world.send(&event.clone().query(query)).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn html_in_a_title_is_stored_unchanged() {
    let (world, event) = creating().await;
    let title = "<img src=x onerror=alert(1)> & \"quotes\"";
    let answer = world.send(&event.body(&json!({ "title": title }))).await;
    assert_eq!((answer.status, answer.body["title"].as_str()), (201, Some(title)));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn an_empty_or_too_long_idempotency_key_is_refused() {
    let (world, event) = creating().await;
    for bad in ["", &"k".repeat(256)] {
        let answer = world.send(&event.clone().header("idempotency-key", bad)).await;
        assert_eq!(answer.errors(), [("Idempotency-Key", "invalid_length")]);
    }
}
