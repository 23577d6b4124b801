//! Concurrent changes and delays between a read and a write of a request.

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
    Faulty, ManualClock, Meddler, MemoryStore, Outbox, QueueFake, SeededRandom,
    fixtures::{NOW, instant, notification, now, space, user},
};

use crate::{
    reminders::{DUE, due_in_90_seconds, mail_context},
    support::World,
};

type ConcurrentWorld = World<Faulty<MemoryStore, Meddler>>;

/// A world in which a concurrent change can run between a read and a write.
fn concurrent_world() -> (ConcurrentWorld, MemoryStore) {
    let memory = MemoryStore::default();
    (World::on(Faulty { store: memory.clone(), faults: Meddler::default() }), memory)
}

/// A concurrent change of the title.
async fn rename(store: MemoryStore, task: Task) {
    let mut task = store.task(task.id).await.expect("no store error").expect("the task");
    let read = task.revision;
    let title = Some(Title::parse("Theirs").expect("a title"));
    let patch = TaskPatch { title, ..TaskPatch::default() };
    task.apply(patch, None, now(), &SeededRandom::new(5)).expect("a valid patch");
    let replaced = store.replace(&task, read, AtomicExtras::default()).await.expect("no store error");
    assert_eq!(replaced, Replaced::Stored);
}

#[tokio::test]
async fn if_match_applies_to_the_version_at_the_time_of_the_write() {
    for (function, write) in [
        ("update-task", "replace"),
        ("complete-task", "replace"),
        ("snooze-task", "replace"),
        ("skip-task", "replace"),
        ("reopen-task", "replace"),
        ("delete-task", "delete"),
        ("move-task", "move_task"),
        ("batch-tasks", "move_task"),
        ("batch-tasks", "replace"),
        ("batch-tasks", "delete"),
    ] {
        for conditional in [true, false] {
            let (world, memory) = concurrent_world();
            let (ada, mut task) = world.seed().await;
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
                match write {
                    "delete" => operation = json!({ "op": "delete", "id": task.id }),
                    "move_task" => {
                        let to = space(1, &ada).0.id;
                        operation = json!({ "op": "move", "id": task.id, "space": to });
                    }
                    _ => {}
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
            assert!(world.store.faults.is_done(), "{function}: the concurrent change did not run");
            let result = &answer.body["results"][0]["status"];
            let status = result.as_u64().unwrap_or(answer.status.into());
            let stored = memory.task(task.id).await.expect("no store error");
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
                // It applies to the current task, so the concurrent change is kept.
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
async fn no_mail_is_sent_if_reading_its_recipient_took_too_long() {
    let (world, memory) = concurrent_world();
    let ada = world.register(1).await;
    let made = taskbell_test::fixtures::due_draft("Ring", DUE, &["PT0S"]);
    let task = world.create(1, &ada, made).await;
    for (slow, sent) in [(12, 0), (8, 1)] {
        let clock = Arc::new(ManualClock::at(NOW));
        let timer = memory.task(task.id).await.expect("no store error").and_then(|task| task.timer());
        let timer = timer.expect("a timer");
        clock.set(timer.at);
        let (delayed, outbox, queue) = (clock.clone(), Outbox::default(), QueueFake::default());
        let slow = SignedDuration::from_secs(slow);
        world.store.faults.before("user", async move { delayed.advance(slow) });
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
        worker.handle(&message).await.expect("the message is handled");
        assert!(world.store.faults.is_done());
        assert_eq!(outbox.sent().len(), sent);
        let stored = memory.task(task.id).await.expect("no store error").expect("the task");
        let delivery = &stored.reminders[0].delivery;
        if sent == 0 {
            let waits = (DeliveryStatus::Scheduled, 0);
            assert_eq!((delivery.status, delivery.attempts), waits, "it does not count as an attempt");
            assert!(delivery.next_at.is_some_and(|at| at > clock.now()));
        }
    }
}

/// Never responds. Polling its worker once and dropping it simulates a crash during the call to SES.
struct Silent;

impl Mailer for Silent {
    async fn send(&self, _: &Mail) -> Result<String, MailError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn an_uncertain_mail_waits_five_minutes_from_its_detection() {
    for hours in [0, 3] {
        let world = World::on(MemoryStore::default());
        let (_, task) = due_in_90_seconds(&world).await;
        let timer = task.timer().expect("a timer");
        world.clock.set(instant(DUE));
        assert!(
            world.handle(&Silent, timer).now_or_never().is_none(),
            "it crashes while it waits for SES"
        );
        world.clock.advance(SignedDuration::from_secs(60 + 3_600 * hours));
        let found = world.clock.now();
        world.handle(&Outbox::default(), timer).await.expect("the message is handled");
        assert_eq!(world.reminder(&task).await.0, DeliveryStatus::Uncertain);
        let again = world.stored(task.id).await.timer().expect("a timer");
        assert_eq!(again.at, found + SignedDuration::from_secs(300));
    }
}

#[tokio::test]
async fn all_timers_of_a_large_shard_are_queued_in_one_run() {
    let world = World::on(MemoryStore::default());
    let mut expected = Vec::new();
    for number in 0..10_000_u64 {
        let made = notification(number, NotificationKind::Verification { to: user(1).id });
        let timer = made.timer().expect("a timer");
        if timer.target.jitter_seed() % TIMER_SHARDS == 3 && expected.len() < 250 {
            world.store.add_notification(&made, None).await.expect("no store error");
            expected.push(timer);
        }
    }
    expected.sort();
    let deadline = now() + SignedDuration::from_secs(50);
    let dispatched =
        dispatch_due_timers::handle(&world.store, &world.queue, &world.clock, deadline).await;
    assert_eq!(dispatched.expect("nothing fails here"), 250);
    let mut queued = world.queue.take();
    queued.sort();
    assert_eq!(queued, expected);
    let again = dispatch_due_timers::handle(&world.store, &world.queue, &world.clock, deadline).await;
    assert_eq!(again.expect("nothing fails here"), 0, "all timers are postponed");
}
