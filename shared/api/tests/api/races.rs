//! What somebody else does between a read and a write of a request, and time that passes there.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::workers::{Pace, dispatch_due_timers, send_reminders::Worker};
use taskbell_domain::{
    clock::Clock,
    delivery::DeliveryStatus,
    notification::NotificationKind,
    ports::{
        AtomicExtras, Mail, MailError, Mailer, Notifications, Replaced, TIMER_SHARDS, TaskChanges,
        TaskReads,
    },
    task::{Task, TaskPatch},
    text::Title,
};
use taskbell_test::{
    Faulty, ManualClock, Meddler, Memory, Outbox, QueueFake, SeededRandom,
    fixtures::{NOW, instant, notification, now, user},
};

use crate::{
    reminders::{DUE, due_in_90_seconds, mail_context},
    support::World,
};

type Meddled = World<Faulty<Memory, Meddler>>;

/// A world in which somebody else can act between a read and a write.
fn meddled() -> (Meddled, Memory) {
    let memory = Memory::default();
    (World::on(Faulty { store: memory.clone(), faults: Meddler::default() }), memory)
}

/// Somebody else gives the task another title.
async fn rename(store: Memory, task: Task) {
    let mut task = store.task(task.id).await.expect("an answer").expect("the task");
    let read = task.version;
    let title = Some(Title::parse("Theirs").expect("a title"));
    let patch = TaskPatch { title, ..TaskPatch::default() };
    task.apply(patch, None, now(), &SeededRandom::new(5)).expect("a valid patch");
    let replaced = store.replace(&task, read, AtomicExtras::default()).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
}

#[tokio::test]
async fn if_match_holds_for_the_version_that_is_written_and_not_only_for_the_one_that_was_read() {
    for (function, write) in [
        ("update-task", "replace"),
        ("complete-task", "replace"),
        ("snooze-task", "replace"),
        ("skip-task", "replace"),
        ("reopen-task", "replace"),
        ("delete-task", "delete"),
        ("batch-tasks", "replace"),
        ("batch-tasks", "delete"),
    ] {
        for conditional in [true, false] {
            let (world, memory) = meddled();
            let (ada, mut task) = world.inhabit().await;
            let prepared = match function {
                "skip-task" => Some(("update-task", json!({ "recurrence": "FREQ=DAILY" }))),
                "reopen-task" => Some(("complete-task", json!({}))),
                _ => None,
            };
            if let Some((function, body)) = prepared {
                let answer = world.send(&world.event(function, &ada, &task).await.body(&body)).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                task = world.stored(task.id).await;
            }
            let version = task.version;
            let mut event = world.event(function, &ada, &task).await.without_header("if-match");
            if function == "batch-tasks" {
                let mut operation =
                    json!({ "op": "update", "id": task.id, "task": { "priority": "low" } });
                if write == "delete" {
                    operation = json!({ "op": "delete", "id": task.id });
                }
                if conditional {
                    operation["version"] = json!(version);
                }
                event = event.body(&json!({ "operations": [operation] }));
            } else if conditional {
                event = event.header("if-match", &format!("\"{version}\""));
            }
            world.store.faults.before(write, rename(memory.clone(), task.clone()));
            let answer = world.send(&event).await;
            assert!(world.store.faults.is_done(), "{function}: nobody came between");
            let result = &answer.body["results"][0]["status"];
            let status = result.as_u64().unwrap_or(answer.status.into());
            let stored = memory.task(task.id).await.expect("an answer");
            if conditional {
                assert_eq!(status, 412, "{function}: {}", answer.body);
                let stored = stored.expect("the task");
                assert_eq!(
                    (stored.title.as_str(), stored.version),
                    ("Theirs", version + 1),
                    "{function}"
                );
            } else {
                assert!(status < 300, "{function}: {}", answer.body);
                // It is done to the task as it is now: what somebody else has changed stays.
                let kept = stored.is_none_or(|stored| {
                    stored.version == version + 2
                        && (function == "update-task" || stored.title.as_str() == "Theirs")
                });
                assert!(kept, "{function}");
            }
        }
    }
}

#[tokio::test]
async fn no_mail_is_offered_when_reading_its_recipient_has_taken_the_time() {
    let (world, memory) = meddled();
    let ada = world.register(1).await;
    let made = taskbell_test::fixtures::due_draft("Ring", DUE, &["PT0S"]);
    let task = world.create(1, &ada, made).await;
    for (slow, sent) in [(12, 0), (8, 1)] {
        let clock = Arc::new(ManualClock::at(NOW));
        let timer = memory.task(task.id).await.expect("an answer").and_then(|task| task.timer());
        let timer = timer.expect("a timer");
        clock.set(timer.at);
        let (passing, outbox, queue) = (clock.clone(), Outbox::default(), QueueFake::default());
        let slow = SignedDuration::from_secs(slow);
        world.store.faults.before("user", async move { passing.advance(slow) });
        let worker = Worker {
            store: &world.store,
            queue: &queue,
            mailer: &outbox,
            clock: &*clock,
            random: &SeededRandom::new(7),
            mail: &mail_context(),
            pace: &Pace::unlimited(),
            deadline: clock.now() + SignedDuration::from_secs(25),
        };
        let message = serde_json::to_string(&timer).expect("JSON");
        worker.handle(&message).await.expect("it is dealt with");
        assert!(world.store.faults.is_done());
        assert_eq!(outbox.sent().len(), sent);
        let stored = memory.task(task.id).await.expect("an answer").expect("the task");
        let delivery = &stored.reminders[0].delivery;
        if sent == 0 {
            let waits = (DeliveryStatus::Scheduled, 0);
            assert_eq!((delivery.status, delivery.attempts), waits, "it is no attempt");
            assert!(delivery.next_at.is_some_and(|at| at > clock.now()));
        }
    }
}

/// Never answers: to poll its worker once and drop it is to crash while SES is being asked.
struct Silent;

impl Mailer for Silent {
    async fn send(&self, _: &Mail) -> Result<String, MailError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn news_of_a_mail_in_doubt_is_awaited_for_five_minutes_however_long_ago_its_lease_has_ended() {
    for hours in [0, 3] {
        let world = World::on(Memory::default());
        let (_, task) = due_in_90_seconds(&world).await;
        let timer = task.timer().expect("a timer");
        world.clock.set(instant(DUE));
        assert!(world.handle(&Silent, timer).now_or_never().is_none(), "it waits for SES, and dies");
        world.clock.advance(SignedDuration::from_secs(60 + 3_600 * hours));
        let found = world.clock.now();
        world.handle(&Outbox::default(), timer).await.expect("it is dealt with");
        assert_eq!(world.reminder(&task).await.0, DeliveryStatus::Uncertain);
        let again = world.stored(task.id).await.timer().expect("a timer");
        assert_eq!(again.at, found + SignedDuration::from_secs(300));
    }
}

#[tokio::test]
async fn every_timer_of_a_crowded_shard_is_queued_in_one_run() {
    let world = World::on(Memory::default());
    let mut expected = Vec::new();
    for number in 0..10_000_u64 {
        let made = notification(number, NotificationKind::Verification { to: user(1).id });
        let timer = made.timer().expect("a timer");
        if timer.subject.jitter_seed() % TIMER_SHARDS == 3 && expected.len() < 250 {
            world.store.add_notification(&made, None).await.expect("an answer");
            expected.push(timer);
        }
    }
    expected.sort();
    let deadline = now() + SignedDuration::from_secs(50);
    let swept = dispatch_due_timers::handle(&world.store, &world.queue, &world.clock, deadline).await;
    assert_eq!(swept.expect("nothing fails here"), 250);
    let mut queued = world.queue.take();
    queued.sort();
    assert_eq!(queued, expected);
    let again = dispatch_due_timers::handle(&world.store, &world.queue, &world.clock, deadline).await;
    assert_eq!(again.expect("nothing fails here"), 0, "all of them are postponed");
}
