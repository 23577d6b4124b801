//! The metrics of what happens to mails, timers, changes and requests.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::workers::{
    Pace,
    send_reminders::{Worker, handle_batch},
};
use taskbell_domain::{
    clock::Clock,
    delivery::{LEASE, MAX_ATTEMPTS, MAX_LATENESS},
    ports::{Mail, MailError, Mailer, ProfileChanges, Replaced},
    secret::sha256_hex,
    timer::Timer,
    user::{MailKind, UserPatch},
};
use taskbell_test::{MemoryStore, Outbox, fixtures::instant};

use crate::{
    log_lines::LogLines,
    reminders::{DUE, due_in_90_seconds, mail_context, minutes},
    support::World,
};

fn sums<const N: usize>(expected: [(&str, i64); N]) -> BTreeMap<String, i64> {
    expected.map(|(name, sum)| (name.to_owned(), sum)).into()
}

/// A world with a reminder that is handled so long after its time, by a mail service that answers like this first. Returns
/// the metrics of that one attempt.
async fn attempt(late: SignedDuration, answer: Option<MailError>) -> BTreeMap<String, i64> {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    if let Some(error) = answer {
        outbox.fail_next(error);
    }
    world.clock.set(instant(DUE) + late);
    let (lines, _recording) = LogLines::record();
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    lines.metrics()
}

#[tokio::test]
async fn a_reminder_is_counted_as_late_from_61_seconds_on() {
    for (late, counted) in [(0, 0), (60, 0), (61, 1), (MAX_LATENESS.as_secs(), 1)] {
        let sent = attempt(SignedDuration::from_secs(late), None).await;
        let expected =
            [("MailsSent reminder", 1), ("ReminderLateness", late), ("RemindersLate", counted)];
        assert_eq!(sent, sums(expected), "{late}");
    }
}

#[tokio::test]
async fn a_reminder_that_is_a_day_late_is_counted_as_skipped_and_late() {
    let skipped = attempt(MAX_LATENESS + SignedDuration::from_secs(1), None).await;
    assert_eq!(
        skipped,
        sums([
            ("RemindersSkipped", 1),
            ("RemindersLate", 1),
            ("ReminderLateness", MAX_LATENESS.as_secs())
        ])
    );
}

#[tokio::test]
async fn deferred_uncertain_and_refused_attempts_are_told_apart() {
    let attempt = async |error| attempt(SignedDuration::ZERO, Some(error)).await;
    let deferred = attempt(MailError::Deferred("Throttling".to_owned())).await;
    assert_eq!(deferred, sums([("MailsDeferred", 1)]));
    let uncertain = attempt(MailError::Unknown("timeout".to_owned())).await;
    assert_eq!(uncertain, sums([("RemindersUncertain", 1)]));
    assert_eq!(attempt(MailError::Refused("MessageRejected".to_owned())).await, sums([]));
}

#[tokio::test]
async fn a_reminder_that_is_refused_five_times_is_counted_once_as_failed() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    for _ in 0..MAX_ATTEMPTS {
        outbox.fail_next(MailError::Refused("MessageRejected".to_owned()));
    }
    let (lines, _recording) = LogLines::record();
    while let Some(timer) = world.stored(task.id).await.timer() {
        world.clock.set(timer.at);
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    assert_eq!(lines.metrics(), sums([("RemindersFailed", 1)]));
}

/// A mail service whose worker does not survive it.
struct Endless;

impl Mailer for Endless {
    async fn send(&self, _: &Mail) -> Result<String, MailError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_reminder_whose_worker_stopped_is_counted_as_uncertain() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let timer = task.timer().expect("a timer");
    let stopped = tokio::time::timeout(std::time::Duration::ZERO, world.handle(&Endless, timer)).await;
    assert!(stopped.is_err());
    world.clock.advance(LEASE);
    let (lines, _recording) = LogLines::record();
    world.handle(&Outbox::default(), timer).await.expect("the message is handled");
    assert_eq!(lines.metrics(), sums([("RemindersUncertain", 1)]));
}

#[tokio::test]
async fn a_reminder_that_its_recipient_does_not_want_is_counted_as_skipped() {
    let world = World::on(MemoryStore::default());
    let (mut ada, task) = due_in_90_seconds(&world).await;
    let off = UserPatch { mail: vec![(MailKind::Reminders, false)], ..UserPatch::default() };
    ada.apply(off, world.clock.now());
    let replaced = world.store.replace_user(&ada, 1, None).await.expect("no store error");
    assert_eq!(replaced, Replaced::Stored);
    world.clock.set(instant(DUE));
    let (lines, _recording) = LogLines::record();
    let outbox = Outbox::default();
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(lines.metrics(), sums([("RemindersSkipped", 1)]));
}

#[tokio::test]
async fn a_dispatch_run_counts_its_timers_and_measures_how_overdue_they_are() {
    let world = World::on(MemoryStore::default());
    let (lines, _recording) = LogLines::record();
    world.dispatch().await;
    assert_eq!(lines.metrics(), sums([]), "an idle stack pays for no metric");
    due_in_90_seconds(&world).await;
    lines.take();
    world.dispatch().await;
    assert_eq!(lines.metrics(), sums([("TimersDispatched", 1)]));
    world.clock.set(instant(DUE) + minutes(10) + SignedDuration::from_secs(7));
    world.dispatch().await;
    assert_eq!(lines.metrics(), sums([("TimersDispatched", 1), ("DispatchBacklog", 7)]));
}

#[tokio::test]
async fn the_line_of_a_request_has_its_ids_and_a_hash_of_its_user() {
    let (world, ada, task) = World::seeded().await;
    let read = world.event("get-task", &ada, &task).await;
    let (lines, _recording) = LogLines::record();
    assert_eq!(world.send(&read).await.status, 200);
    let logged = lines.take();
    let [line] = &logged[..] else { panic!("{logged:?}") };
    assert_eq!((&line["message"], &line["status"]), (&json!("response sent"), &json!(200)));
    assert_eq!(line["request_id"], read.json["requestContext"]["requestId"]);
    assert_eq!(line["route"], read.json["requestContext"]["routeKey"]);
    let hash = sha256_hex(ada.id.to_string().as_bytes());
    assert_eq!(line["user"], hash[..16]);
    assert!(!line.to_string().contains(&ada.id.to_string()), "{line}");
    assert!(line.get("_aws").is_none(), "there is nothing to count");
}

#[tokio::test]
async fn an_account_and_a_request_beyond_a_limit_are_counted() {
    let (world, ada, task) = World::seeded().await;
    let (lines, _recording) = LogLines::record();
    let register = world.event("register-user", &ada, &task).await;
    assert_eq!(world.send(&register).await.status, 202);
    assert_eq!(lines.metrics(), sums([("AccountsRegistered", 1)]));
    assert_eq!(world.send(&register).await.status, 202, "the address is taken");
    assert_eq!(lines.metrics(), sums([]));
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        assert!(statuses.len() < 100, "{statuses:?}");
        statuses.push(world.send(&register).await.status);
    }
    assert_eq!(lines.metrics(), sums([("RequestsLimited", 1)]));
}

#[tokio::test]
async fn lines_about_a_message_have_its_item_and_the_trace_that_sent_it() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let mut event = world.event("send-reminders", &ada, &task).await.json;
    let record = &mut event["Records"][0];
    record["messageId"] = json!("m1");
    record["attributes"]["AWSTraceHeader"] =
        json!("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=c;Sampled=1");
    let timer: Timer = serde_json::from_str(record["body"].as_str().expect("text")).expect("a timer");
    let (lines, _recording) = LogLines::record();
    let event = serde_json::from_value(event).expect("an SQS event");
    let context = mail_context();
    let worker = Worker {
        store: &world.store,
        queue: &world.queue,
        mailer: &Outbox::default(),
        clock: &world.clock,
        random: &world.random,
        mail: &context,
        pace: &Pace::unlimited(),
        deadline: world.clock.now() + minutes(1),
    };
    handle_batch(&worker, event).await;
    let logged = lines.take();
    let sent = logged.iter().find(|line| line["message"] == "mail sent").expect("a line");
    assert_eq!(
        (&sent["queue_message_id"], &sent["origin_trace_id"]),
        (&json!("m1"), &json!("1-5759e988-bd862e3fe1be46a994272793"))
    );
    assert_eq!(sent["item"], timer.target.to_string());
    assert!(sent["message_id"].is_string(), "that of SES: {sent}");
    assert!(sent["_aws"].is_object());
}

#[tokio::test]
async fn a_reminder_that_two_workers_give_up_is_counted_once() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE) + MAX_LATENESS + SignedDuration::from_secs(1));
    let timer = task.timer().expect("a timer");
    let (lines, _recording) = LogLines::record();
    let outbox = Outbox::default();
    let (first, second) =
        futures_util::join!(world.handle(&outbox, timer), world.handle(&outbox, timer));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(lines.metrics()["RemindersLate"], 1);
}
