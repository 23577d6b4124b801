//! Workers and dispatchers that die, stores that fail, tasks that change meanwhile.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt;
use jiff::Timestamp;
use taskbell_api::workers::{dispatch_due_timers, send_reminders::Worker};
use taskbell_domain::{
    clock::Clock,
    id::{TaskId, UserId},
    list::{TaskPage, TaskQuery},
    ports::{
        Mail, MailError, Mailer, PortError, Profiles, Replaced, TaskChanges, TaskReads, TimerPage,
        Timers,
    },
    reminder::DeliveryStatus,
    task::{Status, Task, TaskPatch},
    timer::{LEASE, SECOND_LOOK, Timer, UNCERTAIN_WAIT},
    user::User,
};
use taskbell_test::{Memory, Outbox, fixtures::instant};

use crate::{
    reminders::{DUE, due_in_90_seconds, mail_context, minutes},
    support::World,
};

/// Never answers: to poll its worker once and drop it is to crash while SES is being asked.
struct Silent;

impl Mailer for Silent {
    async fn send(&self, _: &Mail) -> Result<String, MailError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_sending_leaves_the_reminder_uncertain_and_it_is_sent_again() {
    let world = World::on(Memory::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let (outbox, timer) = (Outbox::default(), task.timer().expect("a timer"));
    world.clock.set(instant(DUE));
    assert!(world.handle(&Silent, timer).now_or_never().is_none(), "it waits for SES, and dies");
    world.handle(&outbox, timer).await.expect("the message comes again");
    assert_eq!(
        world.reminder(&task).await,
        (DeliveryStatus::Claimed, None, 1),
        "the lease still holds"
    );

    world.clock.advance(LEASE);
    world.handle(&outbox, timer).await.expect("it is dealt with");
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Uncertain, None, 1));
    assert_eq!(outbox.sent().len(), 0);
    world.queue.take();
    for _ in 0..(SECOND_LOOK + UNCERTAIN_WAIT).as_mins() {
        world.tick(&outbox).await;
    }
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 2));
}

/// Changes the task while its mail is being sent.
struct Meddler<'a> {
    store: &'a Memory,
    task: TaskId,
    outbox: Outbox,
}

impl Mailer for Meddler<'_> {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let mut task = self.store.task(self.task).await.expect("an answer").expect("the task");
        let read = task.version;
        let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
        task.apply(patch, None, instant(DUE), &taskbell_test::SeededRandom::new(5))
            .expect("a valid patch");
        assert_eq!(self.store.replace(&task, read).await.expect("an answer"), Replaced::Done);
        self.outbox.send(mail).await
    }
}

#[tokio::test]
async fn a_task_changed_while_its_mail_is_sent_keeps_the_change_and_records_the_mail() {
    let world = World::on(Memory::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let meddler = Meddler { store: &world.store, task: task.id, outbox: Outbox::default() };
    world.handle(&meddler, task.timer().expect("a timer")).await.expect("it is dealt with");
    assert_eq!(world.stored(task.id).await.status, Status::Completed);
    assert_eq!(world.reminder(&task).await.0, DeliveryStatus::Sent);
    assert_eq!(meddler.outbox.sent().len(), 1);
}

/// Timers that are found but cannot be postponed: a dispatcher that dies between queueing and marking.
struct Unmarkable<'a>(&'a Memory);

impl Timers for Unmarkable<'_> {
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
async fn a_dispatcher_that_dies_before_marking_makes_a_second_message_and_no_second_mail() {
    let world = World::on(Memory::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    let deadline = world.clock.now() + minutes(1);
    let unmarkable = Unmarkable(&world.store);
    let swept = dispatch_due_timers::handle(&unmarkable, &world.queue, &world.clock, deadline).await;
    assert!(swept.is_err(), "the failure is reported");
    assert_eq!(world.sweep().await, 1);
    world.clock.set(instant(DUE));
    assert_eq!(world.deliver(&outbox).await, 2);
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
}

/// A store whose call number `fail_at` fails, before or after it has had its effect.
struct Faulty<'a> {
    inner: &'a Memory,
    fail_at: usize,
    after_effect: bool,
    calls: AtomicUsize,
}

impl Faulty<'_> {
    async fn call<T>(
        &self,
        effect: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = || PortError { operation: "a call", transient: true, source: "injected".into() };
        if number != self.fail_at {
            return effect.await;
        }
        if self.after_effect {
            effect.await?;
        }
        Err(fault())
    }
}

impl Profiles for Faulty<'_> {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        self.call(self.inner.user(id)).await
    }
}

impl TaskReads for Faulty<'_> {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        self.call(self.inner.task(id)).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        self.call(self.inner.list(query)).await
    }
}

impl TaskChanges for Faulty<'_> {
    async fn task_and_user(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>), PortError> {
        self.call(self.inner.task_and_user(task, user)).await
    }

    async fn replace(&self, task: &Task, expected: u64) -> Result<Replaced<Task>, PortError> {
        self.call(self.inner.replace(task, expected)).await
    }

    async fn delete(&self, id: TaskId, expected: u64) -> Result<Replaced<Task>, PortError> {
        self.call(self.inner.delete(id, expected)).await
    }
}

#[tokio::test]
async fn whichever_call_of_the_worker_fails_the_reminder_is_sent_once_or_its_doubt_is_recorded() {
    let mut failed_calls = 0;
    for after_effect in [false, true] {
        for fail_at in 0..8 {
            let world = World::on(Memory::default());
            let (_, task) = due_in_90_seconds(&world).await;
            let (outbox, mail) = (Outbox::default(), mail_context());
            world.clock.set(instant(DUE));
            let faulty =
                Faulty { inner: &world.store, fail_at, after_effect, calls: AtomicUsize::new(0) };
            let (queue, clock, deadline) = (&world.queue, &world.clock, world.clock.now() + minutes(1));
            let worker =
                Worker { store: &faulty, queue, mailer: &outbox, clock, mail: &mail, deadline };
            let message = serde_json::to_string(&task.timer().expect("a timer")).expect("JSON");
            let result = worker.handle(&message).await;
            failed_calls += usize::from(result.is_err());
            let sent_at_first = outbox.sent().len();
            // The message comes again, and time goes on.
            world
                .handle(&outbox, task.timer().expect("a timer"))
                .await
                .expect("nothing fails any more");
            world.queue.take();
            for _ in 0..30 {
                world.tick(&outbox).await;
            }
            let case = format!("call {fail_at}, after its effect: {after_effect}");
            let (status, _, attempts) = world.reminder(&task).await;
            assert_eq!(status, DeliveryStatus::Sent, "{case}");
            // A second mail only where the first was sent and could not be recorded.
            let unrecorded = sent_at_first == 1 && result.is_err() && !after_effect;
            assert_eq!(outbox.sent().len(), 1 + usize::from(unrecorded), "{case}");
            assert!(outbox.sent().len() == 1 || attempts == 2, "{case}");
        }
    }
    assert_eq!(
        failed_calls, 6,
        "reading, claiming and recording fail the message, each before and after"
    );
}
