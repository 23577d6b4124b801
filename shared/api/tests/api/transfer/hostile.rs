//! Lines that nobody has exported.

use serde_json::{Value, json};

use super::{World, any};

const SPACE: &str = "spc_01JQ0000000000000000000001";
const TASK: &str = "tsk_01JQ0000000000000000000001";

fn task() -> Value {
    json!({
        "type": "task", "id": TASK, "space": SPACE, "title": "One", "time_zone": "UTC",
        "created_at": "2026-02-01T08:00:00Z",
    })
}

fn with(field: &str, value: Value) -> String {
    let mut line = task();
    line["id"] = json!("tsk_01JQ0000000000000000000002");
    line[field] = value;
    line.to_string()
}

#[tokio::test]
async fn each_bad_line_is_reported_and_stops_no_other() {
    let (world, ada, _) = World::seeded().await;
    let comment = |changed: &[(&str, Value)]| {
        let mut line = json!({
            "type": "comment", "id": "cmt_01JQ0000000000000000000001", "space": SPACE, "task": TASK,
            "author": "usr_01JQ0000000000000000000001", "text": "Hello", "created_at": "2026-02-01T08:00:00Z",
        });
        for (field, value) in changed {
            line[*field] = value.clone();
        }
        line.to_string()
    };
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let cases = [
        ("nonsense".to_owned(), "line", "malformed_json"),
        ("[1]".to_owned(), "line", "wrong_type"),
        ("{}".to_owned(), "type", "unknown_value"),
        (json!({ "type": "session" }).to_string(), "type", "unknown_value"),
        (json!({ "type": ["task"] }).to_string(), "type", "unknown_value"),
        (json!({ "type": "export", "format": 2 }).to_string(), "format", "unknown_value"),
        (deep.clone(), "line", "malformed_json"),
        (format!("{{\"type\": \"task\", \"title\": {deep}}}"), "line", "malformed_json"),
        (
            "{\"type\": \"task\", \"title\": \"a\", \"title\": \"b\"}".to_owned(),
            "line",
            "malformed_json",
        ),
        (with("title", json!("a\nb")), "title", "invalid_characters"),
        (with("title", json!("x".repeat(501))), "title", "too_long"),
        (with("id", json!("tsk_1")), "id", "invalid_id"),
        (with("id", Value::Null), "id", "required"),
        (with("space", json!(TASK)), "space", "invalid_id"),
        (with("space", json!("spc_01JQ0000000000000000000009")), "space", "other_space"),
        (with("tags", json!(["a", "A"])), "tags[1]", "duplicate"),
        (with("created_at", json!("2026-03-02T08:00:00Z")), "created_at", "out_of_range"),
        (with("created_at", json!("1969-12-31T23:59:59Z")), "created_at", "out_of_range"),
        (with("created_at", json!("yesterday")), "created_at", "invalid_time"),
        (with("completed_at", json!("2999-12-31T00:00:00Z")), "completed_at", "out_of_range"),
        (with("time_zone", json!("Mars/Olympus")), "time_zone", "unknown_time_zone"),
        (with("recurrence", json!("FREQ=DAILY")), "recurrence", "needs_due"),
        (with("recurrence_from", json!("due")), "recurrence_from", "needs_recurrence"),
        (with("reminders", json!([{ "before": "PT1H" }])), "reminders[0]", "needs_due"),
        (with("reminders", json!([{}])), "reminders[0]", "wrong_type"),
        (
            with("reminders", json!([{ "before": "PT1H", "snoozed": true }])),
            "reminders[0]",
            "wrong_type",
        ),
        (
            with("reminders", json!(vec![json!({ "at": "2026-04-01T00:00:00Z" }); 22])),
            "reminders",
            "too_many",
        ),
        (with("checklist", json!(vec![json!({ "title": "x" }); 101])), "checklist", "too_many"),
        (
            with(
                "checklist",
                json!(vec![json!({ "id": "itm_01JQ0000000000000000000001", "title": "x" }); 2]),
            ),
            "checklist",
            "duplicate",
        ),
        (with("surprise", json!(1)), "surprise", "unknown_field"),
        (comment(&[("text", json!("x".repeat(4_001)))]), "text", "too_long"),
        (comment(&[("text", json!(""))]), "text", "too_short"),
        (comment(&[("author", json!("nobody"))]), "author", "invalid_id"),
        (comment(&[("task", json!("tsk_01JQ0000000000000000000009"))]), "task", "unknown_task"),
        (comment(&[("space", json!("spc_01JQ0000000000000000000009"))]), "space", "other_space"),
    ];
    let mut lines = vec![task().to_string()];
    lines.extend(cases.iter().map(|(line, ..)| line.clone()));
    let answer = world.import(&ada, "", &lines.join("\r\n")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.body["results"].as_array().expect("results");
    assert_eq!(results.len(), lines.len(), "{}", answer.body);
    assert_eq!((&results[0]["line"], &results[0]["status"]), (&json!(1), &json!("created")));
    for ((line, field, code), result) in cases.iter().zip(&results[1..]) {
        let found = &result["errors"][0];
        assert_eq!(
            (&found["field"], &found["code"]),
            (&json!(field), &json!(code)),
            "{line}: {result}"
        );
        assert_eq!(result["status"], "error");
    }
}

#[tokio::test]
async fn a_recurring_task_with_an_impossible_position_is_refused() {
    let (world, ada, _) = World::seeded().await;
    for (occurrence, code) in [
        (0, "out_of_range"),
        (u64::MAX, "out_of_range"),
        (1 << 32, "out_of_range"),
        ((1 << 32) - 1, ""),
    ] {
        let mut line = task();
        line["due"] = json!("2026-04-01");
        line["recurrence"] = json!("FREQ=DAILY");
        line["occurrence"] = json!(occurrence);
        line["id"] = json!(format!("tsk_01JQ000000000000000000000{}", occurrence % 7));
        let answer = world.import(&ada, "", &line.to_string()).await.body;
        assert_eq!(answer["results"][0]["errors"][0]["code"].as_str().unwrap_or(""), code, "{answer}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_lines_of_text_are_refused_or_reported() {
    let (world, ada, _) = World::seeded().await;
    let send = async |body: &[u8], media: &str| {
        let mut event = world.event("import-data", &ada, &any(&ada)).await;
        event.json["body"] =
            json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body));
        event.json["isBase64Encoded"] = json!(true);
        world.send(&event.header("content-type", media)).await
    };
    let lines = "application/x-ndjson";
    let bad_text = [task().to_string().as_bytes(), b"\n\xff\xfe\n"].concat();
    let answer = send(&bad_text, lines).await;
    assert_eq!(
        (&answer.body["created"], &answer.body["failed"]),
        (&json!(1), &json!(1)),
        "{}",
        answer.body
    );
    assert_eq!(answer.body["results"][1]["errors"][0]["code"], "malformed_json");
    for (body, status) in [
        (vec![b' '; 512 * 1024 + 1], 413),
        ("{}\n".repeat(1_001).into_bytes(), 422),
        ("\n".repeat(100_000).into_bytes(), 200),
        (Vec::new(), 200),
        (vec![0; 100_000], 200),
    ] {
        assert_eq!(send(&body, lines).await.status, status);
    }
    // Many errors: the response stays small.
    let answer = send(&"{\"type\": 1}\n".repeat(1_000).into_bytes(), lines).await;
    assert_eq!((answer.status, &answer.body["failed"]), (200, &json!(1_000)));
    for media in ["application/json", "text/plain", "application/x-ndjson; charset=latin1", ""] {
        let refused = send(b"{}", media).await;
        assert_eq!((refused.status, refused.headers["accept"].as_str()), (415, lines), "{media}");
    }
}

#[tokio::test]
async fn one_request_imports_the_tasks_of_one_space_of_the_export() {
    let (world, ada, _) = World::seeded().await;
    let other = "spc_01JQ0000000000000000000009";
    let body = format!("{}\n{}", task(), with("space", json!(other)));
    for (query, created) in [(String::new(), 0), (format!("from={other}"), 1)] {
        let answer = world.import(&ada, &query, &body).await.body;
        assert_eq!((&answer["created"], &answer["failed"]), (&json!(1), &json!(1)), "{answer}");
        assert_eq!(answer["results"][created]["status"], "created", "{answer}");
    }
}
