//! Reminders and digests, from the request to the mail, and the links in mails.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use taskbell_e2e::{User, in_seconds, path_of, send, wait_for, word_in};

use crate::NONE;

/// The path of a link in a mail.
fn link_in(mail: &Value, kind: &str) -> String {
    let link = word_in(mail, |word| word.contains("/v1/actions/") && word.contains(kind));
    let link = link.unwrap_or_else(|| panic!("there is no link to {kind}: {}", mail["BodyText"]));
    link[link.find("/v1/").expect("a path")..].to_owned()
}

#[test]
fn a_reminder_within_the_dispatch_horizon_is_mailed_on_time_and_once() {
    let ada = User::new();
    let due = in_seconds(30);
    let task =
        ada.create(&json!({"title": "Ring <b>now</b>", "due": due, "reminders": [{"before": "PT0S"}]}));
    let mail = wait_for("the mail", || ada.mails().pop());
    assert_eq!(mail["Subject"], "Reminder: Ring <b>now</b>");
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<Timestamp>().expect("an instant").as_second() as f64;
    // Not early, and by the queue on time, not by the next dispatch run.
    assert!((0.0..30.0).contains(&late), "it was {late} s late");

    let entry = wait_for("the delivery log", || {
        let entry = ada.get(&format!("{}/reminders", path_of(&task))).body["items"][0].clone();
        (entry["status"] == "sent").then_some(entry)
    });
    assert_eq!(entry["attempts"], 1);

    let end: Timestamp = in_seconds(180).parse().expect("an instant");
    let elapsed = || (Timestamp::now() >= end).then_some(());
    wait_for("three further dispatch runs", elapsed);
    assert_eq!(ada.mails().len(), 1);
}

/// The complete path: the schedule fires, the dispatcher finds the timer in its index, the queue delays it until its time,
/// and the worker sends.
#[test]
fn a_reminder_beyond_the_dispatch_horizon_is_mailed_once() {
    let ada = User::new();
    let due = in_seconds(130);
    ada.create(&json!({"title": "Later", "due": due, "reminders": [{"before": "PT0S"}]}));
    let completed =
        ada.create(&json!({"title": "Never", "due": due, "reminders": [{"before": "PT0S"}]}));
    assert_eq!(ada.post(&format!("{}/complete", path_of(&completed)), NONE).status, 200);
    let mail = wait_for("the mail", || ada.mails().pop());
    let sent: f64 = mail["Timestamp"].as_f64().expect("a time");
    let late = sent - due.parse::<Timestamp>().expect("an instant").as_second() as f64;
    // Not early, and by the queue on time, not by the next dispatch run.
    assert!((0.0..30.0).contains(&late), "it was {late} s late");
    let titles: Vec<_> = ada.mails().iter().map(|mail| mail["Subject"].clone()).collect();
    assert_eq!(titles, ["Reminder: Later"]);
}

#[test]
fn the_digest_is_sent_once_if_its_hour_is_moved_into_the_past() {
    let ada = User::new();
    let task = json!({"title": "Long ago", "due": "2026-01-01", "reminders": []});
    assert_eq!(ada.post("/v1/tasks", &task).status, 201);
    // The time zone in which it is noon now: 11:00 has passed today and 13:00 has not.
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
        let is_digest =
            |mail: &Value| mail["Subject"].as_str().is_some_and(|s| s.ends_with(": 1 overdue"));
        mails.into_iter().filter(is_digest).collect::<Vec<_>>()
    };
    let digest = wait_for("the digest", || digests().pop());
    assert!(digest["BodyText"].to_string().contains("Long ago"), "{digest}");
    // Moved once more. A later dispatch run sends this reminder.
    set(&json!({ "digest_hour": 10 }));
    let later = in_seconds(125);
    ada.create(&json!({"title": "Later", "due": later, "reminders": [{"before": "PT0S"}]}));
    let reminder = || ada.mails().into_iter().find(|mail| mail["Subject"] == "Reminder: Later");
    wait_for("the reminder", reminder);
    assert_eq!(digests().len(), 1);
}

#[test]
fn a_reminder_is_skipped_when_reminders_are_turned_off() {
    let ada = User::new();
    let answer = send("POST", "/v1/unsubscribe/01JQ0000000000000000000000.0", &[], None);
    assert_eq!(answer.status, 404, "a forged link");
    let off = ada.send("PATCH", "/v1/me", &[], &json!({"mail": {"reminders": false}}));
    assert_eq!(off.body["mail"]["reminders"], false);
    let task = ada
        .create(&json!({"title": "Quiet", "due": in_seconds(30), "reminders": [{"before": "PT0S"}]}));
    let entry = wait_for("the delivery log", || {
        let entry = ada.get(&format!("{}/reminders", path_of(&task))).body["items"][0].clone();
        (entry["status"] == "skipped").then_some(entry)
    });
    assert_eq!((&entry["reason"], ada.mails().len()), (&json!("mail_off"), 0));
}

#[test]
fn links_in_a_reminder_snooze_and_complete_its_task() {
    let ada = User::new();
    let task =
        ada.create(&json!({"title": "Wind", "due": in_seconds(30), "reminders": [{"before": "PT0S"}]}));
    let mail = wait_for("the mail", || ada.mails().pop());
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
