//! The delivery loop: one algorithm for everything that has a timer.
//!
//! A queue message names an item whose timer has fired. The loop reads the item, takes the step that is due, and stores
//! the item on condition that nobody else has changed it since it was read. A step that sends a mail is stored as a claim
//! first: that write lets only one of several workers through. Only then is the mail offered to SES, once, and its outcome
//! recorded. A worker that stops in between leaves a claim that expires; see [`taskbell_domain::delivery`].

use std::fmt::Display;

use jiff::Timestamp;
use taskbell_domain::{
    delivery::{Begun, Outcome},
    ports::{Mailer, PortError, Replaced, TimerQueue},
    timer::Timer,
};

use super::{
    outcomes::{MailId, log_begun, log_outcome},
    pace::Slot,
    send_reminders::{DeliveryError, Worker, WorkerStore},
};
use crate::{
    enqueue_if_soon::enqueue_if_soon,
    update::{Update, Versioned},
};

/// The most steps taken for one message: a task has at most 20 reminders, and each takes a few. Also the most attempts to
/// record an outcome: a mail whose outcome is not recorded may be sent again.
const MAX_STEPS: usize = 100;

/// The step that is due for an item. Except for [`Idle`](Self::Idle) it has changed the item, which is to be stored.
pub(super) enum DueStep<D: Deliverable> {
    /// Nothing is due.
    Idle,
    /// Store the item, together with what the step has created.
    Record(Option<D::Created>),
    /// Store the item: its delivery has changed without a mail.
    End(D::Claim, Begun),
    /// Store the item, and send its mail once it is stored.
    Send(D::Claim),
}

/// An item that has a timer, and perhaps a mail to send.
pub(super) trait Deliverable: Versioned + Sized {
    /// Identifies the item.
    type Id: Copy + Display;
    /// The right to send one mail of the item once.
    type Claim: Copy;
    /// An item that is stored together with this one.
    type Created;

    /// Reads the item (a consistent read).
    async fn read(id: Self::Id, store: &impl WorkerStore) -> Result<Option<Self>, PortError>;

    /// The next time at which something is due.
    fn next_timer(&self) -> Option<Timer>;

    /// The next timer of a created item.
    fn timer_of(created: &Self::Created) -> Option<Timer>;

    /// Takes the step that is due at `now`.
    async fn begin<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &mut self,
        worker: &Worker<'_, S, Q, M>,
        now: Timestamp,
    ) -> Result<DueStep<Self>, PortError>;

    /// Stores the item if the stored one still has the revision `expected`.
    async fn replace(
        &self,
        store: &impl WorkerStore,
        expected: u64,
        created: Option<&Self::Created>,
    ) -> Result<Replaced<Self>, PortError>;

    /// Whether the mail of a claim would be sent to someone now.
    async fn has_recipient<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        claim: Self::Claim,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<bool, PortError>;

    /// Sends the mail of a stored claim. The recipient and their settings are read here, after the claim, so that their
    /// latest changes apply.
    ///
    /// # Errors
    /// [`PortError`] if a read failed; the mail was not offered to SES then.
    async fn send<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        claim: &mut Self::Claim,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<Outcome, PortError>;

    /// Has `log` write a line about the mail of a claim.
    fn describe(&self, claim: Self::Claim, log: impl FnOnce(MailId<'_>));

    /// Records the outcome of a claim. Returns whether the item has changed: it has not if the claim no longer holds.
    fn finish(&mut self, claim: Self::Claim, outcome: &Outcome, now: Timestamp) -> bool;

    /// Whether the mail of a finished claim has failed for good.
    fn has_failed(&self, claim: Self::Claim) -> bool;
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Takes the steps of an item that are due, until nothing is due or the message has to wait.
    ///
    /// # Errors
    /// [`DeliveryError`]; the message should then be received again.
    pub(super) async fn run<D: Deliverable>(
        &self,
        id: D::Id,
        timer: Timer,
    ) -> Result<(), DeliveryError> {
        let (mut changed, mut has_slot) = (false, false);
        let mut found = D::read(id, self.store).await?;
        for _ in 0..MAX_STEPS {
            let Some(mut item) = found else { return Ok(()) };
            let now = self.clock.now();
            let expected = item.revision();
            let due = item.next_timer().map_or(now, |timer| timer.at);
            let step = item.begin(self, now).await?;
            let created = match &step {
                DueStep::Idle => return self.end(item.next_timer(), timer, changed, now).await,
                DueStep::Record(created) => created.as_ref(),
                DueStep::Send(claim) if !has_slot => {
                    has_slot = true;
                    match self.slot(timer, due, item.has_recipient(*claim, self)).await? {
                        Slot::Now => None,
                        Slot::AfterWait => {
                            found = D::read(id, self.store).await?;
                            continue;
                        }
                        Slot::Missed => return Ok(()),
                    }
                }
                DueStep::Send(_) | DueStep::End(..) => None,
            };
            found = match item.replace(self.store, expected, created).await? {
                Replaced::Conflict(present) => present.map(|item| *item),
                Replaced::Stored => {
                    changed = true;
                    if let Some(created) = created {
                        enqueue_if_soon(self.queue, [D::timer_of(created)], now).await;
                    }
                    match step {
                        DueStep::Send(claim) => {
                            has_slot = false;
                            self.deliver(item, claim).await?
                        }
                        DueStep::End(claim, begun) => {
                            item.describe(claim, |mail| log_begun(mail, begun));
                            Some(item)
                        }
                        _ => Some(item),
                    }
                }
            };
        }
        Err(DeliveryError::TooManyConflicts)
    }

    /// Ends a message when nothing is due. A message that was received too early waits for its time; a worker that has
    /// changed the item queues its next timer, if that is soon. All other timers are left to the dispatcher.
    async fn end(
        &self,
        next: Option<Timer>,
        timer: Timer,
        changed: bool,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        if changed {
            enqueue_if_soon(self.queue, [next], now).await;
        } else if timer.at > now {
            self.requeue(timer, now).await?;
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

    /// Sends the mail of a stored claim and records the outcome. Returns the item as it is stored then.
    async fn deliver<D: Deliverable>(
        &self,
        item: D,
        mut claim: D::Claim,
    ) -> Result<Option<D>, DeliveryError> {
        let outcome = item.send(&mut claim, self).await.unwrap_or_else(|error| {
            // Nothing was offered to SES, so the mail was certainly not sent.
            item.describe(claim, |MailId { id: mail, kind }| {
                tracing::error!(MailsDeferred = 1, %mail, Kind = kind.as_str(), %error, "mail deferred");
            });
            Outcome::Deferred
        });
        let mut update = Update::up_to(MAX_STEPS, Some(item));
        while let Some((mut item, expected)) = update.attempt()? {
            if !item.finish(claim, &outcome, self.clock.now()) {
                return Ok(Some(item));
            }
            if update.is_stored(item.replace(self.store, expected, None).await?) {
                let has_failed = item.has_failed(claim);
                item.describe(claim, |mail| log_outcome(mail, &outcome, has_failed));
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}
