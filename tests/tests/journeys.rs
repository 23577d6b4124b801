//! What people do with Taskbell, on a deployed stack.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use taskbell_e2e::{PASSWORD, User, in_seconds, path_of, send, wait_for, word_in};

const NONE: &Value = &Value::Null;

#[test]
fn the_api_says_that_it_is_there() {
    let health = send("GET", "/v1/health", &[], None);
    assert_eq!((health.status, &health.body), (200, &json!({"status": "ok"})));
    assert!(!health.header("x-request-id").is_empty());
    assert_eq!(health.header("cache-control"), "no-store");
}

#[test]
fn the_api_describes_itself() {
    let document = send("GET", "/v1/openapi.json", &[], None);
    assert_eq!((document.status, &document.body["openapi"]), (200, &json!("3.1.0")));
    assert!(document.body["paths"]["/v1/tasks/{task_id}/skip"]["post"].is_object());
    let head = send("HEAD", "/v1/openapi.json", &[], None);
    assert_eq!((head.status, &head.body), (200, NONE));
    // It may be left out (RFC 9110 §9.3.2), but not be that of no content.
    let lengths = ["", document.header("content-length")];
    assert!(lengths.contains(&head.header("content-length")), "{}", head.header("content-length"));
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
    let ada = User::reachable();
    let due = in_seconds(8);
    let task =
        ada.create(&json!({"title": "Ring <b>now</b>", "due": due, "reminders": [{"before": "PT0S"}]}));
    let mail = wait_for("the mail", Duration::from_secs(20), || ada.mails().pop());
    assert_eq!(mail["Subject"], "Reminder: Ring <b>now</b>");
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<jiff::Timestamp>().expect("an instant").as_second() as f64;
    // Not before its second; and by the queue at that second, not by a sweep a minute later.
    assert!((0.0..30.0).contains(&late), "it was {late} s late");

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
    let ada = User::reachable();
    let due = in_seconds(130);
    ada.create(&json!({"title": "Later", "due": due, "reminders": [{"before": "PT0S"}]}));
    let silent = ada.create(&json!({"title": "Never", "due": due, "reminders": [{"before": "PT0S"}]}));
    assert_eq!(ada.post(&format!("{}/complete", path_of(&silent)), NONE).status, 200);
    let mail = wait_for("the mail", Duration::from_secs(160), || ada.mails().pop());
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<jiff::Timestamp>().expect("an instant").as_second() as f64;
    // Not before its second, and by the queue rather than a sweep a minute later.
    assert!((0.0..30.0).contains(&late), "it was {late} s late");
    let titles: Vec<_> = ada.mails().iter().map(|mail| mail["Subject"].clone()).collect();
    assert_eq!(titles, ["Reminder: Later"]);
}

#[test]
fn the_digest_comes_once_and_today_although_its_hour_has_passed() {
    let ada = User::reachable();
    let task = json!({"title": "Long ago", "due": "2026-01-01", "reminders": []});
    assert_eq!(ada.post("/v1/tasks", &task).status, 201);
    // Wherever it is noon now, so that eleven has passed today and thirteen has not.
    let hour = i64::from(Timestamp::now().to_zoned(TimeZone::UTC).hour());
    let zone = match 12 - hour {
        east @ 1.. => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    };
    let set = |patch: &Value| {
        let patched = ada.send("PATCH", "/v1/me", &[], patch);
        assert_eq!(patched.status, 200, "{}", patched.body);
    };
    set(&json!({"time_zone": zone, "mail": {"digest": true}, "digest_hour": 13}));
    set(&json!({ "digest_hour": 11 }));
    let digests = || {
        let mails = ada.mails();
        let told = |mail: &Value| mail["Subject"].as_str().is_some_and(|s| s.ends_with(": 1 overdue"));
        mails.into_iter().filter(told).collect::<Vec<_>>()
    };
    let digest = wait_for("the digest", Duration::from_secs(100), || digests().pop());
    assert!(digest["BodyText"].to_string().contains("Long ago"), "{digest}");
    // Moved once more. A sweep that comes later than that brings this reminder.
    set(&json!({ "digest_hour": 10 }));
    let later = in_seconds(125);
    ada.create(&json!({"title": "Later", "due": later, "reminders": [{"before": "PT0S"}]}));
    let rang = || ada.mails().into_iter().find(|mail| mail["Subject"] == "Reminder: Later");
    wait_for("the reminder", Duration::from_secs(160), rang);
    assert_eq!(digests().len(), 1);
}

#[test]
fn the_link_in_a_mail_turns_reminders_off() {
    let ada = User::reachable();
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

/// Where a link in a mail leads, without the base of the API.
fn link_in(mail: &Value, kind: &str) -> String {
    let link = word_in(mail, |word| word.contains("/v1/actions/") && word.contains(kind));
    let link = link.unwrap_or_else(|| panic!("there is no link to {kind}: {}", mail["BodyText"]));
    link[link.find("/v1/").expect("a path")..].to_owned()
}

#[test]
fn a_task_is_snoozed_and_completed_from_its_mail_without_logging_in() {
    let ada = User::reachable();
    let task =
        ada.create(&json!({"title": "Wind", "due": in_seconds(3), "reminders": [{"before": "PT0S"}]}));
    let mail = wait_for("the mail", Duration::from_secs(20), || ada.mails().pop());
    let (snooze, complete) = (link_in(&mail, ".snooze-PT1H-"), link_in(&mail, ".complete-"));
    for link in [&snooze, &complete] {
        let page = send("GET", link, &[], None);
        assert!(page.status == 200 && page.body.as_str().is_some_and(|html| html.contains("Wind")));
    }
    let looked_at = ada.get(&path_of(&task)).body;
    assert_eq!(
        (&looked_at["status"], looked_at["reminders"].as_array().map(Vec::len)),
        (&json!("pending"), Some(1))
    );
    assert_eq!(send("POST", &snooze, &[], None).status, 200);
    assert_eq!(ada.get(&path_of(&task)).body["reminders"][1]["snoozed"], true);
    assert_eq!(send("POST", &complete, &[], None).status, 200);
    assert_eq!(ada.get(&path_of(&task)).body["status"], "completed");
    let forged = send("POST", &complete.replace(".complete-", ".snooze-P1D-"), &[], None);
    assert_eq!(forged.status, 404);
}

#[test]
fn a_forgotten_password_is_set_anew_and_all_sessions_end() {
    let ada = User::new();
    let json_type = [("content-type", "application/json")];
    let ask = |email: &str| {
        send(
            "POST",
            "/v1/auth/forgot-password",
            &json_type,
            Some(&json!({ "email": email }).to_string()),
        )
    };
    let (known, unknown) = (ask(&ada.email), ask("nobody@example.com"));
    assert_eq!((known.status, unknown.status, known.body), (202, 202, unknown.body));
    let mail = wait_for("the code", Duration::from_secs(30), || ada.mails().pop());
    let code = word_in(&mail, |word| word.len() == 59 && word.contains('.')).expect("a code");
    let set = |password: &str| {
        let body = json!({ "code": code, "password": password }).to_string();
        send("POST", "/v1/auth/reset-password", &json_type, Some(&body))
    };
    assert_eq!(set("password1234").body["errors"][0]["code"], "too_common");
    assert_eq!(set("six quiet bells at dawn").status, 204);
    assert_eq!(set("seven quiet bells at dawn").body["code"], "invalid_code", "it works once");
    let refresh = json!({ "refresh_token": ada.tokens["refresh_token"] }).to_string();
    assert_eq!(send("POST", "/v1/auth/refresh", &json_type, Some(&refresh)).status, 401);
    let log_in = |password: &str| {
        let body = json!({ "email": ada.email, "password": password }).to_string();
        send("POST", "/v1/auth/login", &json_type, Some(&body))
    };
    assert_eq!(log_in(PASSWORD).status, 401);
    assert_eq!(ada.get("/v1/me").status, 401, "the access token is from before");
    let again = log_in("six quiet bells at dawn");
    assert_eq!(again.status, 200, "{}", again.body);
    let ada = User { tokens: again.body, ..ada };
    assert_eq!(ada.get("/v1/me").body["email_verified"], true, "who reads the mail owns the address");
}

#[test]
fn a_task_comes_again_at_the_same_wall_time_across_a_change_of_the_clocks() {
    let ada = User::new();
    let first = ada.create(&json!({
        "title": "Wind the clock", "due": "2027-03-27T09:00[Europe/Berlin]", "recurrence": "FREQ=DAILY;COUNT=4",
    }));
    let preview = ada.get(&format!("{}/occurrences?limit=2", path_of(&first))).body;
    let days: Vec<_> =
        preview["items"].as_array().expect("items").iter().map(|o| &o["due_at"]).collect();
    assert_eq!(days, ["2027-03-28T07:00:00Z", "2027-03-29T07:00:00Z"], "{preview}");
    let skipped = ada.post(&format!("{}/skip", path_of(&first)), NONE).body;
    assert_eq!(skipped["due_at"], "2027-03-28T07:00:00Z");
    let complete = || ada.post(&format!("{}/complete", path_of(&first)), NONE).body;
    let (done, again) = (complete(), complete());
    assert_eq!(done, again);
    let next = |of: &Value| {
        let id = of["next_occurrence"].as_str().expect("another one");
        ada.get(&format!("/v1/tasks/{id}")).body
    };
    let third = next(&done);
    assert_eq!(
        (&third["due"], &third["occurrence"]),
        (&json!("2027-03-29T09:00:00[Europe/Berlin]"), &json!(3))
    );
    let fourth = next(&ada.post(&format!("{}/complete", path_of(&third)), NONE).body);
    let end = ada.post(&format!("{}/complete", path_of(&fourth)), NONE).body;
    assert_eq!((&end["status"], &end["next_occurrence"]), (&json!("completed"), NONE));
}

#[test]
fn a_task_completes_itself_unless_it_is_changed() {
    let ada = User::new();
    let wanted = json!({"title": "Short", "auto_complete_after": "PT6S"});
    let (left, changed) = (ada.create(&wanted), ada.create(&wanted));
    let later = json!({"auto_complete_after": "P1D"});
    assert_eq!(ada.send("PATCH", &path_of(&changed), &[], &later).status, 200);
    let done = wait_for("the completion", Duration::from_secs(20), || {
        let task = ada.get(&path_of(&left)).body;
        (task["status"] == "completed").then_some(task)
    });
    assert_eq!(done["completed_by"], "timer");
    let at =
        |field: &Value| field.as_str().expect("a time").parse::<jiff::Timestamp>().expect("an instant");
    let took = at(&done["completed_at"]).duration_since(at(&left["created_at"])).as_secs();
    assert!((6..9).contains(&took), "it took {took} s");
    let ledger = ada.get(&format!("{}/reminders", path_of(&left))).body;
    assert_eq!(
        (&ledger["items"][0]["kind"], &ledger["items"][0]["status"]),
        (&json!("auto_completion"), &json!("done"))
    );
    assert_eq!(ada.get(&path_of(&changed)).body["status"], "pending");
}

/// The code in an invitation.
fn code_in(mail: &Value) -> String {
    let text = mail["BodyText"].as_str().expect("a text");
    let word = text.split_whitespace().find(|word| word.len() > 100 && word.matches('.').count() == 2);
    word.expect("a code").to_owned()
}

#[test]
fn people_share_a_space_by_invitation_and_part_again() {
    let (ada, eve) = (User::reachable(), User::reachable());
    let space = ada.post("/v1/spaces", &json!({"name": "Bell tower"}));
    assert_eq!((space.status, &space.body["role"]), (201, &json!("owner")), "{}", space.body);
    let id = space.body["id"].as_str().expect("an id");
    let (there, tasks) = (format!("/v1/spaces/{id}"), format!("/v1/tasks?space={id}"));
    let made = ada.post(&tasks, &json!({"title": "Oil the bell"}));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        (eve.get(&there).status, eve.get(&tasks).status, eve.get(&path_of(&made.body)).status),
        (404, 404, 404)
    );

    let invitation = json!({"email": eve.email, "role": "viewer"});
    assert_eq!(ada.post(&format!("{there}/invitations"), &invitation).status, 201);
    let mail = wait_for("the invitation", Duration::from_secs(20), || eve.mails().pop());
    let token = json!({"token": code_in(&mail)});
    let joined = eve.post("/v1/invitations/accept", &token);
    assert_eq!((joined.status, &joined.body["role"]), (200, &json!("viewer")), "{}", joined.body);
    assert_eq!(eve.post("/v1/invitations/accept", &token).status, 404, "it works once");

    assert_eq!(eve.get(&path_of(&made.body)).status, 200);
    assert_eq!(eve.post(&format!("{}/complete", path_of(&made.body)), NONE).status, 403);
    let eve_id = eve.get("/v1/me").body["id"].clone();
    let member = format!("{there}/members/{}", eve_id.as_str().expect("an id"));
    assert_eq!(ada.send("PATCH", &member, &[], &json!({"role": "member"})).body["role"], "member");
    let assigned = ada.send("PATCH", &path_of(&made.body), &[], &json!({"assigned_to": eve_id}));
    assert_eq!(assigned.status, 200, "{}", assigned.body);
    wait_for("the news", Duration::from_secs(20), || {
        eve.mails().iter().any(|mail| mail["Subject"] == "Assigned to you: Oil the bell").then_some(())
    });
    let mine = wait_for("the list", Duration::from_secs(10), || {
        eve.get("/v1/tasks?assigned_to=me").body["items"]
            .as_array()
            .filter(|items| !items.is_empty())
            .cloned()
    });
    assert_eq!(mine[0]["id"], made.body["id"]);
    assert_eq!(ada.get(&format!("{there}/members")).body["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        ada.send("DELETE", &format!("{there}/members/me"), &[], NONE).body["code"],
        "last_owner"
    );

    assert_eq!(ada.send("DELETE", &member, &[], NONE).status, 204);
    assert_eq!((eve.get(&there).status, eve.get(&path_of(&made.body)).status), (404, 404));
    assert_eq!(ada.get(&path_of(&made.body)).body["assigned_to"], *NONE);
    assert_eq!(
        eve.get("/v1/spaces").body["items"].as_array().map(Vec::len),
        Some(1),
        "the personal one"
    );

    assert_eq!(ada.send("PATCH", &there, &[], &json!({"name": "Clock"})).body["name"], "Clock");
    assert_eq!(ada.send("DELETE", &there, &[], NONE).body["errors"][0]["code"], "not_confirmed");
    assert_eq!(ada.send("DELETE", &format!("{there}?name=Clock"), &[], NONE).status, 204);
    assert_eq!((ada.get(&there).status, ada.get(&path_of(&made.body)).status), (404, 404));
}

#[test]
fn a_task_has_a_checklist_and_comments() {
    let ada = User::new();
    let task =
        ada.create(&json!({"title": "Oil", "checklist": [{"title": "Climb"}, {"title": "Pull"}]}));
    let mut list = task["checklist"].clone();
    list[1]["done"] = json!(true);
    let patched = ada.send("PATCH", &path_of(&task), &[], &json!({ "checklist": list }));
    assert_eq!((patched.status, &patched.body["checklist"]), (200, &list), "{}", patched.body);

    let comments = format!("{}/comments", path_of(&task));
    let said = ada.post(&comments, &json!({"text": "The rope is worn."}));
    assert_eq!(said.status, 201, "{}", said.body);
    let one = format!("{comments}/{}", said.body["id"].as_str().expect("an id"));
    let changed = ada.send("PATCH", &one, &[], &json!({"text": "The rope is new."}));
    assert_eq!((changed.status, &changed.body["text"]), (200, &json!("The rope is new.")));
    assert_eq!(ada.get(&comments).body["items"][0], changed.body);
    assert_eq!(User::new().get(&comments).status, 404);
    assert_eq!(ada.send("DELETE", &one, &[], NONE).status, 204);
    assert_eq!(ada.get(&comments).body["items"], json!([]));
    ada.post(&comments, &json!({"text": "It goes with its task."}));
    assert_eq!(ada.send("DELETE", &path_of(&task), &[], NONE).status, 204);
    assert_eq!(ada.get(&comments).status, 404);
}

#[test]
fn tasks_are_found_by_their_words_and_by_what_is_due() {
    let ada = User::new();
    ada.create(
        &json!({"title": "Café am Turm", "description": "Zwei Stück Kuchen", "priority": "high"}),
    );
    ada.create(&json!({"title": "Überfällig", "due": "2026-01-02"}));
    let today = jiff::Timestamp::now().in_tz("Europe/Berlin").expect("a zone").date();
    ada.create(&json!({"title": "Backen", "due": today}));
    for (query, titles) in [
        ("q=CAFE", vec!["Café am Turm"]),
        ("q=stuck&priority=high", vec!["Café am Turm"]),
        ("overdue=true", vec!["Überfällig"]),
        ("due=today", vec!["Backen"]),
        ("sort=title", vec!["Backen", "Café am Turm", "Überfällig"]),
        ("sort=-updated&limit=1", vec!["Backen"]),
    ] {
        let found = wait_for(query, Duration::from_secs(10), || {
            let page = ada.get(&format!("/v1/tasks?{query}")).body;
            let titles = page["items"].as_array()?.iter().map(|task| task["title"].clone());
            let titles: Vec<_> = titles.collect();
            (!titles.is_empty()).then_some(titles)
        });
        assert_eq!(found, titles, "{query}");
    }
}

#[test]
fn a_batch_is_carried_out_once() {
    let ada = User::new();
    let task = ada.create(&json!({"title": "Old"}));
    let operations = json!({"operations": [
        {"op": "create", "task": {"title": "New"}},
        {"op": "update", "id": task["id"], "task": {"title": "Newer"}, "version": 1},
        {"op": "complete", "id": task["id"]},
        {"op": "delete", "id": "tsk_01JQ0000000000000000000000"},
    ]});
    let send = || ada.send("POST", "/v1/tasks/batch", &[("idempotency-key", "b-1")], &operations);
    let (first, second) = (send(), send());
    assert_eq!(first.status, 200, "{}", first.body);
    let statuses = |answer: &Value| -> Vec<Value> {
        answer["results"].as_array().expect("results").iter().map(|r| r["status"].clone()).collect()
    };
    assert_eq!(statuses(&first.body), [201, 200, 200, 404]);
    assert_eq!(statuses(&second.body), [201, 200, 200, 404]);
    assert_eq!(first.body["results"][0]["task"], second.body["results"][0]["task"]);
    assert_eq!(second.body["results"][0]["replayed"], true);
}

#[test]
fn whoever_tries_passwords_is_stopped_and_every_answer_tells_what_is_left() {
    let ada = User::new();
    let profile = ada.get("/v1/me");
    assert!(profile.header("ratelimit").starts_with("\"requests\";r="), "{:?}", profile.headers);
    let wrong = json!({"email": ada.email, "password": "wrong wrong wrong"}).to_string();
    let json = [("content-type", "application/json")];
    let answers: Vec<_> =
        (0..11).map(|_| send("POST", "/v1/auth/login", &json, Some(&wrong))).collect();
    assert_eq!(
        (answers[0].status, answers[0].body["code"].as_str()),
        (401, Some("invalid_credentials"))
    );
    let last = &answers[10];
    assert_eq!((last.status, last.body["code"].as_str()), (429, Some("too_many_requests")));
    assert!(last.header("retry-after").parse::<u32>().expect("seconds") <= 600);
    // Her session goes on.
    assert_eq!(ada.get("/v1/me").status, 200);
}

#[test]
fn tags_categories_and_statistics_follow_the_tasks() {
    let ada = User::new();
    let task = ada
        .create(&json!({"title": "Paint", "tags": ["diy"], "category": "home", "due": "2020-01-01"}));
    ada.create(&json!({"title": "Sweep", "tags": ["diy"]}));
    let counted = |path: &str, expected: Value| {
        wait_for(path, Duration::from_secs(60), || {
            let answer = ada.get(path);
            assert_eq!(answer.status, 200, "{}", answer.body);
            (answer.body["items"] == expected).then_some(())
        });
    };
    counted("/v1/tags", json!([{"name": "diy", "open": 2, "completed": 0}]));
    counted("/v1/categories", json!([{"name": "home", "open": 1, "completed": 0}]));
    assert_eq!(ada.get("/v1/stats").body["overdue"], json!(1));
    assert_eq!(ada.post(&format!("{}/complete", path_of(&task)), NONE).status, 200);
    counted("/v1/tags", json!([{"name": "diy", "open": 1, "completed": 1}]));
    let stats = ada.get("/v1/stats?days=1").body;
    let numbers = ["open", "completed", "overdue", "completion_rate"].map(|name| &stats[name]);
    assert_eq!(numbers, [&json!(1), &json!(1), &json!(0), &json!(0.5)]);
    assert_eq!(stats["completed_by_day"][0]["completed"], json!(1));
}

#[test]
fn an_operator_finds_writes_to_disables_and_enables_a_user() {
    let operator = User::operator();
    let ada = User::reachable();
    let found = operator.get(&format!("/v1/users?email={}", ada.email));
    assert_eq!(found.body["items"][0]["email"], json!(ada.email), "{}", found.body);
    let id = found.body["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(ada.get("/v1/users").status, 403);

    let words = json!({"user_id": id, "subject": "Maintenance", "text": "The bell rests on Sunday."});
    let message = operator.post("/v1/notifications", &words);
    assert_eq!(message.status, 201, "{}", message.body);
    let mails = wait_for("the message", Duration::from_secs(30), || {
        Some(ada.mails()).filter(|mails| !mails.is_empty())
    });
    assert_eq!((mails.len(), &mails[0]["Subject"]), (1, &json!("Maintenance")));
    let ledger = format!("/v1/notifications/{}", message.body["id"].as_str().expect("an id"));
    wait_for("the ledger", Duration::from_secs(10), || {
        (operator.get(&ledger).body["status"] == "sent").then_some(())
    });

    let account = format!("/v1/users/{id}");
    let disabled = operator.send("PATCH", &account, &[], &json!({"disabled": true}));
    assert_eq!(disabled.status, 200, "{}", disabled.body);
    assert_eq!(ada.get("/v1/me").body["code"], json!("account_disabled"));
    let json_type = [("content-type", "application/json")];
    let login = json!({"email": ada.email, "password": PASSWORD}).to_string();
    let refused = send("POST", "/v1/auth/login", &json_type, Some(&login));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("account_disabled")));
    operator.send("PATCH", &account, &[], &json!({"disabled": false}));
    assert_eq!(ada.get("/v1/me").status, 401, "the access token is from before");
    assert_eq!(send("POST", "/v1/auth/login", &json_type, Some(&login)).status, 200);
}
