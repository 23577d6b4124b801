//! Mails that wait for the pace of the worker or for SES.

use futures_util::future::join;
use jiff::SignedDuration;
use taskbell_api::workers::{
    Pace,
    send_reminders::{DeliveryError, Worker},
};
use taskbell_domain::{
    clock::Clock,
    delivery::{DeliveryStatus, Reason},
    ports::{AtomicExtras, MailError, ProfileChanges, Replaced, TaskChanges},
    task::{Status, Task, TaskPatch},
    timer::TimerTarget,
    user::{MailKind, UserPatch},
};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{due_draft, instant},
};

use crate::{
    reminders::{DUE, due_in_90_seconds, mail_context},
    support::World,
};

/// Handles the messages of these tasks concurrently, at this pace, in an invocation of 30 seconds.
async fn handle_at_pace(
    world: &World,
    outbox: &Outbox,
    pace: &Pace,
    tasks: &[Task],
) -> Vec<Result<(), DeliveryError>> {
    let mail = mail_context();
    let deadline = world.clock.now() + SignedDuration::from_secs(30);
    let (store, queue, clock, random) = (&world.store, &world.queue, &world.clock, &world.random);
    let worker = Worker { store, queue, mailer: outbox, clock, random, mail: &mail, pace, deadline };
    let messages: Vec<_> = tasks
        .iter()
        .map(|task| serde_json::to_string(&task.timer().expect("a timer")).expect("JSON"))
        .collect();
    futures_util::future::join_all(messages.iter().map(|message| worker.handle(message))).await
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_at_the_workers_pace_and_the_rest_is_requeued() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let mut tasks = Vec::new();
    for number in 1..=10 {
        tasks.push(world.create(number, &ada, due_draft("Ring", DUE, &["PT0S"])).await);
    }
    world.clock.set(instant(DUE));
    let (outbox, pace, began) =
        (Outbox::default(), Pace::new(1, 2).expect("a pace"), tokio::time::Instant::now());
    for result in handle_at_pace(&world, &outbox, &pace, &tasks).await {
        result.expect("the message is handled");
    }
    // Mails at 0, 2, 4, 6, 8 and 10 seconds. Later ones would leave no time to record their result.
    assert_eq!(outbox.sent().len(), 6);
    assert!(began.elapsed() >= std::time::Duration::from_secs(10));
    let requeued = world.queue.take();
    assert_eq!(requeued.len(), 4);
    let wait = SignedDuration::from_secs(10)..=SignedDuration::from_secs(41);
    assert!(requeued.iter().all(|timer| wait.contains(&timer.at.duration_since(world.clock.now()))));
    for timer in requeued {
        let TimerTarget::Task(id) = timer.target else { panic!("a task") };
        let untouched =
            tasks.iter().find(|task| task.id == id).expect("a requeued task is one of the tasks");
        assert_eq!(&world.stored(id).await, untouched, "waiting writes nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reminder_is_not_mailed_if_its_task_is_completed_while_it_waits() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let (outbox, pace) = (Outbox::default(), Pace::new(1, 2).expect("a pace"));
    let first = handle_at_pace(&world, &outbox, &pace, std::slice::from_ref(&task));
    first.await[0].as_ref().expect("the message is handled");
    assert_eq!(outbox.sent().len(), 1);
    let ada = world.register(2).await;
    let second = world.create(2, &ada, due_draft("Ring", DUE, &["PT0S"])).await;
    let complete = async {
        let mut completed = world.stored(second.id).await;
        let read = completed.version;
        let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
        completed.apply(patch, None, world.clock.now(), &world.random).expect("it can be completed");
        let done = world
            .store
            .replace(&completed, read, AtomicExtras::default())
            .await
            .expect("no store error");
        assert_eq!(done, Replaced::Stored);
    };
    let waiting = handle_at_pace(&world, &outbox, &pace, std::slice::from_ref(&second));
    let (results, ()) = join(waiting, complete).await;
    results[0].as_ref().expect("the message is handled");
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_requeued_fails_and_is_redelivered() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.queue.refuse(Some(TimerTarget::Task(task.id)));
    let early = task.timer().expect("a timer");
    assert!(matches!(world.handle(&Outbox::default(), early).await, Err(DeliveryError::NotQueued)));
}

#[tokio::test]
async fn waits_grow_while_ses_defers_all_mails() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    for _ in 0..200 {
        outbox.fail_next(MailError::Deferred("AccountSendingPausedException".to_owned()));
    }
    let mut waits = Vec::new();
    world.clock.set(instant(DUE));
    while let Some(timer) = world.stored(task.id).await.timer() {
        waits.push(timer.at.duration_since(world.clock.now()).as_secs());
        world.clock.set(timer.at);
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Skipped, Some(Reason::TooOld), 0));
    // The first waits are short: an exceeded rate recovers in seconds.
    assert!(waits[1..4].iter().all(|wait| (30..=61).contains(wait)), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 30 * 60 + 31), "{waits:?}");
    assert!((40..=65).contains(&waits.len()), "{}", waits.len());
    // Waits beyond the dispatch horizon end a chain of messages; Lambda stops chains of about 16.
    let chained = waits.iter().take_while(|wait| **wait <= 120).count();
    assert!(chained < 10, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn skipped_mails_delay_no_other_mail() {
    let world = World::on(MemoryStore::default());
    let (ada, eve) = (world.register(1).await, world.register(2).await);
    let mut tasks = Vec::new();
    for number in 1..=20 {
        tasks.push(world.create(number, &eve, due_draft("Flood", DUE, &["PT0S"])).await);
    }
    tasks.push(world.create(30, &ada, due_draft("Ring", DUE, &["PT0S"])).await);
    let mut silent = eve.clone();
    let patch = UserPatch { mail: vec![(MailKind::Reminders, false)], ..UserPatch::default() };
    silent.apply(patch, world.clock.now());
    let done = world.store.replace_user(&silent, eve.version, None).await.expect("no store error");
    assert_eq!(done, Replaced::Stored);
    world.clock.set(instant(DUE));
    let (outbox, pace) = (Outbox::default(), Pace::new(1, 2).expect("a pace"));
    let began = tokio::time::Instant::now();
    for result in handle_at_pace(&world, &outbox, &pace, &tasks).await {
        result.expect("the message is handled");
    }
    assert_eq!((outbox.sent().len(), world.queue.take().len()), (1, 0));
    // One skipped mail took the free slot; the reminder took the next.
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_requeued_after_the_dispatcher_has_queued_its_timer_again() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let ada = world.register(2).await;
    let other = world.create(2, &ada, due_draft("Ring", DUE, &["PT0S"])).await;
    let busy = Pace::new(1, 5).expect("a pace");
    for (late, requeued) in [(0, 1), (599, 1), (600, 0), (3_000, 0)] {
        world.clock.set(instant(DUE) + SignedDuration::from_secs(late));
        let outbox = Outbox::default();
        let mail = mail_context();
        // Time for one mail, but not for the next, which is five seconds later.
        let deadline = world.clock.now() + SignedDuration::from_secs(24);
        let (store, queue, clock, random) = (&world.store, &world.queue, &world.clock, &world.random);
        let worker =
            Worker { store, queue, mailer: &outbox, clock, random, mail: &mail, pace: &busy, deadline };
        let message =
            |task: &Task| serde_json::to_string(&task.timer().expect("a timer")).expect("JSON");
        if late == 0 {
            worker.handle(&message(&other)).await.expect("the message is handled");
        } else {
            // Another mail takes the slot.
            let filler = world.create(100 + late as u64, &ada, due_draft("Fill", DUE, &["PT0S"])).await;
            worker.handle(&message(&filler)).await.expect("the message is handled");
        }
        world.queue.take();
        worker.handle(&message(&task)).await.expect("the message is handled");
        assert_eq!(world.queue.take().len(), requeued, "{late}");
        assert_eq!(world.stored(task.id).await, task);
    }
}
