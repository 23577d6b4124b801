//! Crashes of workers and dispatchers, store failures, and concurrent changes of tasks.

use futures_util::FutureExt;
use jiff::Timestamp;
use taskbell_api::workers::dispatch_due_timers;
use taskbell_domain::{
    clock::Clock,
    delivery::{DeliveryStatus, LEASE, UNCERTAIN_WAIT},
    id::TaskId,
    ports::{
        AtomicExtras, Mail, MailError, Mailer, PortError, Replaced, TaskChanges, TaskReads, TimerPage,
        Timers,
    },
    task::{Status, TaskPatch},
    timer::{RECHECK_AFTER, Timer},
};
use taskbell_test::{MemoryStore, Outbox, fixtures::instant};

use crate::{
    reminders::{DUE, due_in_90_seconds, minutes},
    support::World,
};

/// Never responds. Polling its worker once and dropping it simulates a crash during the call to SES.
struct Silent;

impl Mailer for Silent {
    async fn send(&self, _: &Mail) -> Result<String, MailError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_worker_crash_while_sending_makes_the_reminder_uncertain_and_it_is_sent_again() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let (outbox, timer) = (Outbox::default(), task.timer().expect("a timer"));
    world.clock.set(instant(DUE));
    assert!(world.handle(&Silent, timer).now_or_never().is_none(), "it crashes while it waits for SES");
    world.handle(&outbox, timer).await.expect("the message is redelivered");
    assert_eq!(
        world.reminder(&task).await,
        (DeliveryStatus::Claimed, None, 1),
        "the lease still holds"
    );

    world.clock.advance(LEASE);
    world.handle(&outbox, timer).await.expect("the message is handled");
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Uncertain, None, 1));
    assert_eq!(outbox.sent().len(), 0);
    world.queue.take();
    for _ in 0..(RECHECK_AFTER + UNCERTAIN_WAIT).as_mins() {
        world.tick(&outbox).await;
    }
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 2));
}

/// Changes the task while its mail is being sent.
struct Meddler<'a> {
    store: &'a MemoryStore,
    task: TaskId,
    outbox: Outbox,
}

impl Mailer for Meddler<'_> {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let mut task = self.store.task(self.task).await.expect("no store error").expect("the task");
        let read = task.revision;
        let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
        task.apply(patch, None, instant(DUE), &taskbell_test::SeededRandom::new(5))
            .expect("a valid patch");
        assert_eq!(
            self.store.replace(&task, read, AtomicExtras::default()).await.expect("no store error"),
            Replaced::Stored
        );
        self.outbox.send(mail).await
    }
}

#[tokio::test]
async fn a_task_changed_while_its_mail_is_sent_keeps_the_change_and_the_delivery() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let meddler = Meddler { store: &world.store, task: task.id, outbox: Outbox::default() };
    world.handle(&meddler, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(world.stored(task.id).await.status, Status::Completed);
    assert_eq!(world.reminder(&task).await.0, DeliveryStatus::Sent);
    assert_eq!(meddler.outbox.sent().len(), 1);
}

/// Timers that cannot be postponed: simulates a dispatcher crash between enqueueing and postponing.
struct CannotPostpone<'a>(&'a MemoryStore);

impl Timers for CannotPostpone<'_> {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        self.0.timers(shard, until, after).await
    }

    async fn postpone(&self, _: Timer, _: Timestamp) -> Result<(), PortError> {
        Err(PortError { operation: "postponing", transient: true, source: "throttled".into() })
    }
}

#[tokio::test]
async fn a_dispatcher_crash_before_postponing_repeats_the_message_but_not_the_mail() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    let deadline = world.clock.now() + minutes(1);
    let timers = CannotPostpone(&world.store);
    let dispatched = dispatch_due_timers::handle(&timers, &world.queue, &world.clock, deadline).await;
    assert!(dispatched.is_err(), "the failure is reported");
    assert_eq!(world.dispatch().await, 1);
    world.clock.set(instant(DUE));
    assert_eq!(world.deliver(&outbox).await, 2);
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
}
