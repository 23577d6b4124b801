//! What people do with Taskbell, on a deployed stack.

use std::time::Duration;

use serde_json::{Value, json};
use taskbell_e2e::{PASSWORD, User, in_seconds, path_of, send, wait_for};

const NONE: &Value = &Value::Null;

#[test]
fn the_api_says_that_it_is_there() {
    let health = send("GET", "/v1/health", &[], None);
    assert_eq!((health.status, &health.body), (200, &json!({"status": "ok"})));
    assert!(!health.header("x-request-id").is_empty());
    assert_eq!(health.header("cache-control"), "no-store");
}

#[test]
fn an_account_lives_from_registration_to_log_out() {
    let mut ada = User::new();
    assert_eq!(ada.get("/v1/me").body["email"], json!(ada.email));
    let patched = ada.send("PATCH", "/v1/me", &[], &json!({"time_zone": "Asia/Tokyo"}));
    assert_eq!((patched.status, &patched.body["time_zone"]), (200, &json!("Asia/Tokyo")));

    let json_type = [("content-type", "application/json")];
    let first = json!({"refresh_token": ada.tokens["refresh_token"]}).to_string();
    let refreshed = send("POST", "/v1/auth/refresh", &json_type, Some(&first));
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    ada.tokens = refreshed.body;
    assert_eq!(ada.post("/v1/auth/logout", NONE).status, 204);
    let second = json!({"refresh_token": ada.tokens["refresh_token"]}).to_string();
    let ended = send("POST", "/v1/auth/refresh", &json_type, Some(&second));
    assert_eq!((ended.status, &ended.body["code"]), (401, &json!("invalid_refresh_token")));

    let again =
        json!({"email": ada.email.to_uppercase(), "password": PASSWORD, "name": "x"}).to_string();
    let taken = send("POST", "/v1/auth/register", &json_type, Some(&again));
    assert_eq!((taken.status, &taken.body["code"]), (409, &json!("email_taken")));
}

#[test]
fn reusing_a_refresh_token_ends_the_session() {
    let ada = User::new();
    let refresh = |token: &Value| {
        let body = json!({ "refresh_token": token }).to_string();
        send("POST", "/v1/auth/refresh", &[("content-type", "application/json")], Some(&body))
    };
    let next = refresh(&ada.tokens["refresh_token"]);
    assert_eq!(next.status, 200);
    assert_eq!(refresh(&ada.tokens["refresh_token"]).status, 401);
    assert_eq!(refresh(&next.body["refresh_token"]).status, 401, "for both");
}

#[test]
fn a_task_lives_from_creation_to_deletion() {
    let ada = User::new();
    let task = ada.create(&json!({"title": "Wind the clock", "tags": ["Tower"], "due": "2199-03-01"}));
    let path = path_of(&task);
    assert_eq!(task["tags"], json!(["tower"]));
    let read = ada.get(&path);
    assert_eq!((&read.body, read.header("etag")), (&task, "\"1\""));
    assert_eq!(ada.send("GET", &path, &[("if-none-match", "\"1\"")], NONE).status, 304);

    let stale = ada.send("PATCH", &path, &[("if-match", "\"7\"")], &json!({"title": "x"}));
    assert_eq!((stale.status, &stale.body["code"]), (412, &json!("version_mismatch")));
    let patched = ada.send(
        "PATCH",
        &path,
        &[("if-match", "\"1\"")],
        &json!({"title": "Wind it twice", "due": "2199-03-02"}),
    );
    assert_eq!((patched.status, &patched.body["title"]), (200, &json!("Wind it twice")));
    assert_eq!(ada.post(&format!("{path}/complete"), NONE).body["status"], "completed");
    assert_eq!(ada.post(&format!("{path}/reopen"), NONE).body["status"], "pending");
    assert_eq!(ada.get(&format!("{path}/reminders")).body["items"][0]["status"], "scheduled");
    assert_eq!(ada.send("DELETE", &path, &[], NONE).status, 204);
    assert_eq!(ada.get(&path).status, 404);
}

#[test]
fn an_idempotency_key_makes_one_task() {
    let ada = User::new();
    let key = [("idempotency-key", "once")];
    let first = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Once"}));
    let again = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Once"}));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&first.body, again.header("idempotent-replayed")), (&again.body, "true"));
    let other = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Twice"}));
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_key_reused")));
}

#[test]
fn tasks_are_listed_by_every_order_and_filter_page_by_page() {
    let ada = User::new();
    for (title, day, priority, category) in
        [("c", 3, "low", "home"), ("a", 1, "urgent", "work"), ("b", 2, "high", "home")]
    {
        let due = format!("2199-03-0{day}");
        ada.create(&json!({"title": title, "due": due, "priority": priority, "category": category, "tags": [title]}));
    }
    let listed = |query: &str| -> String {
        let mut titles = String::new();
        let mut cursor = String::new();
        for _ in 0..10 {
            let page = ada.get(&format!("/v1/tasks?limit=2&{query}{cursor}"));
            assert_eq!(page.status, 200, "{}", page.body);
            for item in page.body["items"].as_array().expect("items") {
                titles += item["title"].as_str().expect("a title");
            }
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        titles
    };
    for (query, expected) in [
        ("", "abc"),
        ("sort=-due", "cba"),
        ("sort=created", "cab"),
        ("sort=-created", "bac"),
        ("sort=priority", "cba"),
        ("sort=-priority", "abc"),
        ("status=pending", "abc"),
        ("status=completed", ""),
        ("priority=high", "b"),
        ("category=home", "bc"),
        ("tag=a", "a"),
        ("due_before=2199-03-02T12:00:00Z", "a"),
        ("due_after=2199-03-02T12:00:00Z", "bc"),
    ] {
        assert_eq!(listed(query), expected, "{query}");
    }
    let eve = User::new();
    let cursor =
        ada.get("/v1/tasks?limit=1").body["next_cursor"].as_str().expect("a cursor").to_owned();
    let foreign = eve.get(&format!("/v1/tasks?limit=1&cursor={cursor}"));
    assert_eq!((foreign.status, &foreign.body["code"]), (400, &json!("invalid_cursor")));
}

#[test]
fn another_users_task_looks_like_none_on_every_route() {
    let (ada, eve) = (User::new(), User::new());
    let task = ada.create(&json!({"title": "Mine"}));
    let there = path_of(&task);
    let nowhere = "/v1/tasks/tsk_01JQ0000000000000000000000".to_owned();
    for (method, suffix, body) in [
        ("GET", "", NONE.clone()),
        ("PATCH", "", json!({"title": "Hers"})),
        ("DELETE", "", NONE.clone()),
        ("POST", "/complete", NONE.clone()),
        ("POST", "/reopen", NONE.clone()),
        ("GET", "/reminders", NONE.clone()),
    ] {
        let mut foreign = eve.send(method, &format!("{there}{suffix}"), &[], &body);
        let mut absent = eve.send(method, &format!("{nowhere}{suffix}"), &[], &body);
        assert_eq!((foreign.status, absent.status), (404, 404), "{method} {suffix}");
        for answer in [&mut foreign, &mut absent] {
            answer.body.as_object_mut().expect("a problem").remove("request_id");
        }
        assert_eq!(foreign.body, absent.body, "{method} {suffix}");
    }
    assert_eq!(ada.get(&there).body, task);
}

#[test]
fn bad_input_is_refused_at_the_door() {
    let ada = User::new();
    let bearer = format!("Bearer {}", ada.tokens["access_token"].as_str().expect("a token"));
    let post = |content_type: &str, body: &str| {
        send(
            "POST",
            "/v1/tasks",
            &[("authorization", &bearer), ("content-type", content_type)],
            Some(body),
        )
    };
    assert_eq!(post("application/json", "{").body["code"], "malformed_json");
    assert_eq!(post("text/plain", "{}").status, 415);
    let huge = json!({"title": "x".repeat(1_000_000)}).to_string();
    assert_eq!(post("application/json", &huge).status, 413);
    let invalid =
        post("application/json", &json!({"title": "", "colour": 1, "due": "soon"}).to_string());
    assert_eq!((invalid.status, invalid.header("content-type")), (422, "application/problem+json"));
    assert_eq!(invalid.body["errors"].as_array().map(Vec::len), Some(3), "{}", invalid.body);
    for token in ["", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        let refused = send("GET", "/v1/tasks", &[("authorization", token)], None);
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, "Bearer realm=\"taskbell\"")
        );
    }
}

#[test]
fn a_browser_may_call_the_api() {
    let preflight = send(
        "OPTIONS",
        "/v1/tasks",
        &[("origin", "https://app.example.com"), ("access-control-request-method", "PATCH")],
        None,
    );
    assert!(preflight.status < 300, "{}", preflight.status);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(preflight.header("access-control-allow-headers").contains("if-match"));
}

#[test]
fn a_near_reminder_is_mailed_at_its_second_and_once() {
    let ada = User::new();
    let due = in_seconds(8);
    let task =
        ada.create(&json!({"title": "Ring <b>now</b>", "due": due, "reminders": [{"before": "PT0S"}]}));
    let mail = wait_for("the mail", Duration::from_secs(20), || ada.mails().pop());
    assert_eq!(mail["Subject"], "Reminder: Ring <b>now</b>");
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<jiff::Timestamp>().expect("an instant").as_second() as f64;
    assert!((0.0..2.0).contains(&late), "it was {late} s late");

    let ledger = wait_for("the ledger", Duration::from_secs(10), || {
        let entry = ada.get(&format!("{}/reminders", path_of(&task))).body["items"][0].clone();
        (entry["status"] == "sent").then_some(entry)
    });
    assert_eq!(ledger["attempts"], 1);

    let end: jiff::Timestamp = in_seconds(180).parse().expect("an instant");
    let ticks = || (jiff::Timestamp::now() >= end).then_some(());
    wait_for("three further ticks", Duration::from_secs(200), ticks);
    assert_eq!(ada.mails().len(), 1);
}

/// The whole way: the schedule fires, the dispatcher finds the timer in its index, the queue holds it until
/// its second, the worker sends.
#[test]
fn a_reminder_beyond_the_look_ahead_is_found_by_the_schedule_and_mailed_once() {
    let ada = User::new();
    let due = in_seconds(130);
    ada.create(&json!({"title": "Later", "due": due, "reminders": [{"before": "PT0S"}]}));
    let silent = ada.create(&json!({"title": "Never", "due": due, "reminders": [{"before": "PT0S"}]}));
    assert_eq!(ada.post(&format!("{}/complete", path_of(&silent)), NONE).status, 200);
    let mail = wait_for("the mail", Duration::from_secs(160), || ada.mails().pop());
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<jiff::Timestamp>().expect("an instant").as_second() as f64;
    assert!((0.0..2.0).contains(&late), "it was {late} s late");
    let titles: Vec<_> = ada.mails().iter().map(|mail| mail["Subject"].clone()).collect();
    assert_eq!(titles, ["Reminder: Later"]);
}

#[test]
fn the_link_in_a_mail_turns_reminders_off() {
    let ada = User::new();
    let answer = send("POST", "/v1/unsubscribe/01JQ0000000000000000000000.0", &[], None);
    assert_eq!(answer.status, 404, "a forged link");
    let off = ada.send("PATCH", "/v1/me", &[], &json!({"mail": {"reminders": false}}));
    assert_eq!(off.body["mail"]["reminders"], false);
    let task =
        ada.create(&json!({"title": "Quiet", "due": in_seconds(3), "reminders": [{"before": "PT0S"}]}));
    let entry = wait_for("the ledger", Duration::from_secs(20), || {
        let entry = ada.get(&format!("{}/reminders", path_of(&task))).body["items"][0].clone();
        (entry["status"] == "skipped").then_some(entry)
    });
    assert_eq!((&entry["reason"], ada.mails().len()), (&json!("mail_off"), 0));
}
