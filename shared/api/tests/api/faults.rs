//! Workers and dispatchers that die, stores that fail, tasks that change meanwhile.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::json;
use taskbell_api::workers::{dispatch_due_timers, send_reminders::Worker};
use taskbell_domain::{
    clock::Clock,
    counts::Numbers,
    delivery::{DeliveryStatus, LEASE, UNCERTAIN_WAIT},
    id::{NoticeId, SpaceId, TaskId, UserId},
    list::{TaskPage, TaskQuery},
    notice::Notice,
    ports::{
        Alongside, Created, IdempotencyRecord, Mail, MailError, Mailer, Memberships, Notices,
        PortError, Profiles, Quotas, Replaced, SpaceReads, TaskChanges, TaskReads, TimerPage, Timers,
    },
    space::{Invitation, Member, Role, Space},
    task::{Status, Task, TaskPatch},
    timer::{SECOND_LOOK, Subject, Timer},
    user::User,
};
use taskbell_test::{
    Memory, Outbox,
    fixtures::{instant, space},
};

use crate::{
    reminders::{DUE, due_in_90_seconds, mail_context, minutes},
    support::{World, mate},
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
        assert_eq!(
            self.store.replace(&task, read, Alongside::default()).await.expect("an answer"),
            Replaced::Done
        );
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

impl Memberships for Faulty<'_> {
    async fn role(&self, space: SpaceId, user: UserId) -> Result<Option<Role>, PortError> {
        self.call(self.inner.role(space, user)).await
    }

    async fn spaces_of(&self, user: UserId) -> Result<Vec<(Space, Role)>, PortError> {
        self.call(self.inner.spaces_of(user)).await
    }
}

impl SpaceReads for Faulty<'_> {
    async fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<(Space, Member)>, PortError> {
        self.call(self.inner.space_and_member(space, user)).await
    }

    async fn space(&self, id: SpaceId) -> Result<Option<Space>, PortError> {
        self.call(self.inner.space(id)).await
    }

    async fn members(&self, space: SpaceId) -> Result<Vec<(Member, User)>, PortError> {
        self.call(self.inner.members(space)).await
    }

    async fn invitations(&self, space: SpaceId) -> Result<Vec<Invitation>, PortError> {
        self.call(self.inner.invitations(space)).await
    }

    async fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<Option<Invitation>, PortError> {
        self.call(self.inner.invitation(space, address_hash)).await
    }
}

impl Notices for Faulty<'_> {
    async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, PortError> {
        self.call(self.inner.notice(id)).await
    }

    async fn add_notice(
        &self,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        self.call(self.inner.add_notice(notice, record)).await
    }

    async fn replace_notice(
        &self,
        notice: &Notice,
        expected: u64,
    ) -> Result<Replaced<Notice>, PortError> {
        self.call(self.inner.replace_notice(notice, expected)).await
    }

    async fn arm_invitation(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> Result<bool, PortError> {
        self.call(self.inner.arm_invitation(invitation, secret_hash)).await
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

impl Quotas for Faulty<'_> {
    async fn numbers(&self, space: SpaceId) -> Result<Numbers, PortError> {
        self.call(self.inner.numbers(space)).await
    }

    async fn user_and_numbers(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> Result<(Option<User>, Numbers), PortError> {
        self.call(self.inner.user_and_numbers(user, space)).await
    }
}

impl TaskChanges for Faulty<'_> {
    async fn task_user_and_numbers(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>, Numbers), PortError> {
        self.call(self.inner.task_user_and_numbers(task, user)).await
    }

    async fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: Alongside<'_>,
    ) -> Result<Replaced<Task>, PortError> {
        self.call(self.inner.replace(task, expected, also)).await
    }

    async fn task_and_comments(&self, id: TaskId) -> Result<(Option<Task>, bool), PortError> {
        self.call(self.inner.task_and_comments(id)).await
    }

    async fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Replaced<Task>, PortError> {
        self.call(self.inner.delete(id, expected, comments, record)).await
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
            let random = &world.random;
            let worker =
                Worker { store: &faulty, queue, mailer: &outbox, clock, random, mail: &mail, deadline };
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

/// The same for everything else that the worker does: the news of an assignment, an invitation, and a task that
/// completes itself and makes its next occurrence.
#[tokio::test]
async fn whichever_call_fails_a_notice_is_sent_once_and_one_occurrence_is_made() {
    let mut failed_calls = 0;
    for subject in ["assignment", "invitation", "completion"] {
        for (after_effect, fail_at) in
            [false, true].into_iter().flat_map(|b| (0..12).map(move |n| (b, n)))
        {
            let (world, ada, task) = World::inhabited().await;
            let (function, body) = match subject {
                "assignment" => ("create-task", json!({"title": "t", "assigned_to": mate().id})),
                "invitation" => ("invite-member", json!({"email": "grace@example.com"})),
                _ => (
                    "create-task",
                    json!({
                        "title": "t", "due": "2026-03-01T08:00:10Z", "recurrence": "FREQ=DAILY;COUNT=2",
                        "auto_complete_after": "PT20S", "reminders": [],
                    }),
                ),
            };
            let event = world.event(function, &ada, &task).await.without_header("idempotency-key");
            let space = format!("space={}", space(1, &ada).0.id);
            let query = if function == "create-task" { space.as_str() } else { "" };
            let answer = world.send(&event.query(query).body(&body)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            let [timer] = world.queue.take()[..] else { panic!("one timer is near") };
            world.clock.set(timer.at);
            let (outbox, mail) = (Outbox::default(), mail_context());
            let faulty =
                Faulty { inner: &world.store, fail_at, after_effect, calls: AtomicUsize::new(0) };
            let (queue, clock, random) = (&world.queue, &world.clock, &world.random);
            let deadline = world.clock.now() + minutes(1);
            let worker =
                Worker { store: &faulty, queue, mailer: &outbox, clock, random, mail: &mail, deadline };
            let message = serde_json::to_string(&timer).expect("JSON");
            failed_calls += usize::from(worker.handle(&message).await.is_err());
            // The message comes again, and time goes on until nothing is left to do.
            for _ in 0..5 {
                world.handle(&outbox, timer).await.expect("it is dealt with");
                world.queue.take();
                world.clock.advance(UNCERTAIN_WAIT * 2);
            }
            let doubt = after_effect || fail_at > 0;
            match subject {
                "completion" => {
                    let Subject::Task(id) = timer.subject else { panic!("it is a task") };
                    let done = world.stored(id).await;
                    assert_eq!(done.status, Status::Completed, "{fail_at} {after_effect}");
                    let next = world.stored(done.next_occurrence.expect("the next one")).await;
                    assert_eq!(next.recurrence.expect("a series").number, 2);
                    assert_eq!(outbox.sent().len(), 0);
                }
                _ => {
                    let Subject::Notice(id) = timer.subject else { panic!("it is a notice") };
                    let notice = world.store.notice(id).await.expect("an answer").expect("the notice");
                    assert_eq!(notice.delivery.status, DeliveryStatus::Sent, "{subject} {fail_at}");
                    let sent = outbox.sent().len();
                    assert!(sent == 1 || sent == 2 && doubt, "{subject} {fail_at}: {sent} mails");
                }
            }
        }
    }
    assert!(failed_calls > 12, "only {failed_calls} calls failed");
}
