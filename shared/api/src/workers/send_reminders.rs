//! `send-reminders`, for each message of the queue: does what is due of a task. It sends each reminder once,
//! and completes tasks that complete themselves.

use std::fmt::Display;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::{Clock, Random},
    delivery::{DeliveryStatus, Outcome, Reason},
    id::{TaskId, UserId},
    ports::{
        AtomicExtras, Digests, Directory, Mail, MailError, Mailer, Notifications, PortError,
        RateLimits, Replaced, SpaceReads, SuppressedAddresses, TaskChanges, TimerQueue,
    },
    reminder::Reminder,
    space::Role,
    task::Task,
    timer::{Claim, Step, Timer, TimerTarget},
    user::{MailKind, User},
};

use super::{Pace, mail_limits::limits_of, pace::Turn};
use crate::{
    enqueue_if_soon::enqueue_if_soon,
    handlers::{access::role, tasks::limit_assignment},
    mail::{MailContext, reminder_mail},
};

/// The most steps taken for one message: a task has at most 20 reminders, and each takes a few.
pub(super) const MAX_STEPS: usize = 100;

/// All that the worker reads and changes.
pub trait WorkerStore:
    TaskChanges + Notifications + Digests + SpaceReads + Directory + SuppressedAddresses + RateLimits
{
}
impl<T> WorkerStore for T where
    T: TaskChanges
        + Notifications
        + Digests
        + SpaceReads
        + Directory
        + SuppressedAddresses
        + RateLimits
{
}

/// What the worker works with.
pub struct Worker<'a, S, Q, M> {
    /// Tasks and profiles.
    pub store: &'a S,
    /// Where the next timer of the same task goes, if it is near.
    pub queue: &'a Q,
    /// Sends.
    pub mailer: &'a M,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes the ids of next occurrences.
    pub random: &'a dyn Random,
    /// What all mails have in common.
    pub mail: &'a MailContext,
    /// When the next mail may be sent.
    pub pace: &'a Pace,
    /// When this invocation will be ended.
    pub deadline: Timestamp,
}

/// The time that sending and recording one reminder can take. With less left, none is begun: a worker that
/// is ended while it sends leaves a doubt behind.
pub(super) const TIME_TO_SEND: SignedDuration = SignedDuration::from_secs(20);

/// The time that asking SES and recording its answer can take.
const TIME_TO_OFFER: SignedDuration = SignedDuration::from_secs(15);

/// A mail that is offered to SES.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    /// What the log calls it.
    pub(super) id: &'a (dyn Display + Sync),
    /// When it was to be sent.
    pub(super) fire_at: Timestamp,
}

/// Why a message was not dealt with.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The message is none of ours; it will end in the dead-letter queue.
    #[error("not a timer message")]
    Unreadable,
    /// Something outside failed; the message comes again.
    #[error(transparent)]
    Port(#[from] PortError),
    /// There was no time left to send in; the message comes again.
    #[error("out of time")]
    OutOfTime,
    /// The task kept changing under the worker; the message comes again.
    #[error("the task did not stand still")]
    TooManyConflicts,
    /// The queue did not take the message back; it comes again by itself.
    #[error("the message could not be queued again")]
    NotQueued,
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Deals with one message. That nothing is to be done is the usual end of a message that came twice,
    /// or whose task has changed or gone.
    ///
    /// # Errors
    /// [`DeliveryError`]; the message should then be delivered again.
    pub async fn handle(&self, body: &str) -> Result<(), DeliveryError> {
        let timer: Timer = serde_json::from_str(body).map_err(|_| DeliveryError::Unreadable)?;
        match timer.subject {
            TimerTarget::Task(id) => self.handle_task(id, timer).await,
            TimerTarget::Notification(id) => self.handle_notification(id, timer).await,
            TimerTarget::Digest(id) => self.handle_digest(id, timer).await,
        }
    }

    async fn handle_task(&self, id: TaskId, timer: Timer) -> Result<(), DeliveryError> {
        let (mut changed, mut has_turn) = (false, false);
        let mut found = self.store.task(id).await?;
        for _ in 0..MAX_STEPS {
            let Some(mut task) = found else { return Ok(()) };
            let now = self.clock.now();
            let read = task.version;
            if self.rests(&task, now).await? {
                task.rest(now);
                found = match self.store.replace(&task, read, AtomicExtras::default()).await? {
                    Replaced::Conflict(present) => present.map(|task| *task),
                    Replaced::Stored => Some(task),
                };
                continue;
            }
            let due = task.timer().map_or(now, |timer| timer.at);
            let mut step = task.begin_delivery(now, self.random);
            if let Step::Completed(Some(next)) = &mut step {
                limit_assignment(self.store, next, next.created_by, now).await;
            }
            if step == Step::Idle {
                return self.look_ahead(&task, &timer, changed, now).await;
            }
            if matches!(step, Step::Send(_)) && !has_turn {
                has_turn = true;
                match self.turn(timer, due, self.has_reader(&task)).await? {
                    Turn::Send => {}
                    Turn::SendAfterRead => {
                        found = self.store.task(id).await?;
                        continue;
                    }
                    Turn::Leave => return Ok(()),
                }
            }
            let next = match &step {
                Step::Completed(next) => next.as_deref(),
                _ => None,
            };
            let also = AtomicExtras { next, ..AtomicExtras::default() };
            match self.store.replace(&task, read, also).await? {
                Replaced::Conflict(present) => found = present.map(|task| *task),
                Replaced::Stored => {
                    changed = true;
                    if let Some(next) = next {
                        enqueue_if_soon(self.queue, [next.timer()], now).await;
                    }
                    found = match step {
                        Step::Send(claim) => {
                            has_turn = false;
                            self.deliver(task, claim).await?
                        }
                        _ => Some(task),
                    };
                }
            }
        }
        Err(DeliveryError::TooManyConflicts)
    }

    /// Whether a task is about to complete itself whose creator is blocked.
    async fn rests(&self, task: &Task, now: Timestamp) -> Result<bool, PortError> {
        if task.completion_timer().is_none_or(|at| at > now) {
            return Ok(false);
        }
        Ok(self.account(task.created_by).await? == Err(Reason::AccountDisabled))
    }

    /// A message that came too early waits for its moment; a worker that changed the task queues what
    /// comes next, if that is near. All else is the dispatcher's.
    async fn look_ahead(
        &self,
        task: &Task,
        timer: &Timer,
        changed: bool,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        if changed {
            enqueue_if_soon(self.queue, [task.timer()], now).await;
        } else if timer.at > now {
            self.requeue(*timer, now).await?;
        }
        Ok(())
    }

    /// Puts a message back into the queue.
    pub(super) async fn requeue(&self, timer: Timer, now: Timestamp) -> Result<(), DeliveryError> {
        match self.queue.enqueue(&[timer], now).await?.as_slice() {
            [] => Err(DeliveryError::NotQueued),
            _ => Ok(()),
        }
    }

    /// Sends a claimed reminder and records what came of it. Gives the task as it is stored then.
    async fn deliver(&self, task: Task, mut claim: Claim) -> Result<Option<Task>, DeliveryError> {
        let outcome = self.send(&task, &mut claim).await.unwrap_or_else(|error| {
            // Nothing was offered to SES, so there is no doubt about it.
            tracing::error!(mail = %claim.reminder, task = %task.id, %error, "mail deferred");
            Outcome::Deferred
        });
        let mut present = Some(task);
        for _ in 0..MAX_STEPS {
            let Some(mut task) = present else { return Ok(None) };
            let read = task.version;
            if !task.finish_delivery(claim, &outcome, self.clock.now()) {
                return Ok(Some(task));
            }
            match self.store.replace(&task, read, AtomicExtras::default()).await? {
                Replaced::Stored => {
                    let failed = |r: &Reminder| {
                        r.id == claim.reminder && r.delivery.status == DeliveryStatus::Failed
                    };
                    if task.reminders.iter().any(failed) {
                        // The template's FailedMailAlarm counts this line.
                        tracing::error!(task = %task.id, reminder = %claim.reminder, "reminder failed");
                    }
                    return Ok(Some(task));
                }
                Replaced::Conflict(other) => present = other.map(|task| *task),
            }
        }
        Err(DeliveryError::TooManyConflicts)
    }

    /// Offers the mail to SES, once. The recipient and their settings are read only now, after the claim:
    /// what they changed a moment ago counts.
    async fn send(&self, task: &Task, claim: &mut Claim) -> Result<Outcome, PortError> {
        let Some((recipient, role)) = self.recipient(task).await? else {
            return Ok(Outcome::Skipped(Reason::NoAccess));
        };
        claim.recipient = Some(recipient);
        let user = match self.reader(recipient, MailKind::Reminders).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        };
        let limits = limits_of(task.space, task.created_by, recipient);
        match reminder_mail(self.mail, task, (&user, role), *claim, self.clock.now()) {
            Ok(mail) => {
                let offered = Offered { id: &claim.reminder, fire_at: claim.fire_at };
                Ok(self.offer_within(&limits, &mail, offered).await)
            }
            Err(error) => {
                tracing::error!(task = %task.id, %error, "a mail could not be written");
                Ok(Outcome::Refused)
            }
        }
    }

    /// The account to which a mail goes that it has asked for, or why none does.
    pub(super) async fn account(&self, id: UserId) -> Result<Result<User, Reason>, PortError> {
        Ok(match self.store.user(id).await? {
            None => Err(Reason::NoRecipient),
            Some(user) if user.disabled_at.is_some() => Err(Reason::AccountDisabled),
            Some(user) => Ok(user),
        })
    }

    /// The account to which any other mail goes, or why none does.
    pub(super) async fn reachable(&self, id: UserId) -> Result<Result<User, Reason>, PortError> {
        let account = self.account(id).await?;
        Ok(account.and_then(|user| user.reachable().map(|()| user)))
    }

    /// The account to which a mail of a kind goes, or why none does.
    pub(super) async fn reader(
        &self,
        id: UserId,
        kind: MailKind,
    ) -> Result<Result<User, Reason>, PortError> {
        let reachable = self.reachable(id).await?;
        Ok(reachable
            .and_then(|user| if user.mail.wants(kind) { Ok(user) } else { Err(Reason::MailOff) }))
    }

    /// Whether a reminder of a task would be sent to anybody now.
    async fn has_reader(&self, task: &Task) -> Result<bool, PortError> {
        let Some((recipient, _)) = self.recipient(task).await? else { return Ok(false) };
        Ok(self.reader(recipient, MailKind::Reminders).await?.is_ok())
    }

    /// Who is reminded: the assignee, or else the creator; nobody who may not see the task any more.
    async fn recipient(&self, task: &Task) -> Result<Option<(UserId, Role)>, PortError> {
        for user in task.assigned_to.into_iter().chain([task.created_by]) {
            if let Some(role) = role(self.store, user, task.space).await? {
                return Ok(Some((user, role)));
            }
        }
        Ok(None)
    }

    /// Offers a mail to SES, unless there is no time left to record what comes of it.
    pub(super) async fn offer(&self, mail: &Mail, offered: Offered<'_>) -> Outcome {
        let Offered { id, fire_at } = offered;
        let now = self.clock.now();
        if now + TIME_TO_OFFER > self.deadline {
            tracing::warn!(mail = %id, error = "no time left", "mail deferred");
            return Outcome::Deferred;
        }
        let late_seconds = now.duration_since(fire_at).as_secs();
        match self.mailer.send(mail).await {
            Ok(message_id) => {
                tracing::info!(mail = %id, message_id, late_seconds, "mail sent");
                Outcome::Accepted(message_id)
            }
            Err(error @ MailError::Refused(_)) => {
                tracing::warn!(mail = %id, %error, "mail not sent");
                Outcome::Refused
            }
            Err(error @ MailError::Deferred(_)) => {
                // The template's DeferredMailAlarm counts this line.
                tracing::warn!(mail = %id, %error, "mail deferred");
                Outcome::Deferred
            }
            Err(error @ MailError::Unknown(_)) => {
                tracing::warn!(mail = %id, %error, "mail perhaps sent");
                Outcome::Unknown
            }
        }
    }
}

/// Deals with a batch of messages, all at the same time (the template lets ten come together), each by itself: one that fails does not hold up
/// the others, and only it is delivered again. (A panic ends the process, and the whole batch comes again.)
pub async fn handle_batch<S: WorkerStore, Q: TimerQueue, M: Mailer>(
    worker: &Worker<'_, S, Q, M>,
    event: SqsEvent,
) -> SqsBatchResponse {
    let results = join_all(event.records.iter().map(async |message| {
        let result = worker.handle(message.body.as_deref().unwrap_or_default()).await;
        result.map_err(|error| {
            let message_id = message.message_id.clone().unwrap_or_default();
            tracing::error!(message_id, %error, "a message was not dealt with");
            message_id
        })
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    for message_id in results.into_iter().filter_map(Result::err) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message_id;
        response.batch_item_failures.push(failure);
    }
    response
}
