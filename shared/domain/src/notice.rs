//! Mails that are no reminders: invitations, and news of an assignment. Each is sent once,
//! by the same worker and under the same rules as a reminder, and keeps its own ledger.

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::{Delivery, Outcome},
    email::EmailAddress,
    id::{NoticeId, SpaceId, TaskId, UserId},
    timer::{Subject, Timer},
};

/// How long a notice is kept after it was made.
pub const NOTICE_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What a notice says, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A task has been assigned.
    Assignment {
        /// To whom.
        to: UserId,
        /// The task.
        task: TaskId,
        /// By whom.
        by: UserId,
    },
    /// Somebody is invited into a space.
    Invitation {
        /// Who: perhaps nobody that has an account.
        to: EmailAddress,
        /// The space.
        space: SpaceId,
    },
}

/// A mail to be sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names it.
    pub id: NoticeId,
    /// What it says.
    pub content: Content,
    /// What is known of its delivery.
    pub delivery: Delivery,
    /// Counts its changes.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is to be done about a notice at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeStep {
    /// Nothing; it is unchanged.
    Idle,
    /// It has changed: store it, and ask again.
    Recorded,
    /// It has changed: store it, and once it is stored, send it under this fence.
    Send(u64),
}

impl Notice {
    /// A notice to be sent now.
    pub fn new(id: NoticeId, content: Content, now: Timestamp) -> Self {
        Self { id, content, delivery: Delivery::scheduled(now), version: 1, created_at: now }
    }

    /// Its next timer; none when it is done with.
    pub fn timer(&self) -> Option<Timer> {
        Some(Timer { at: self.delivery.next_at?, subject: Subject::Notice(self.id) })
    }

    /// Takes the next step that is due. The version is one higher unless it is [`NoticeStep::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp) -> NoticeStep {
        if !self.delivery.is_due(now) {
            return NoticeStep::Idle;
        }
        self.version += 1;
        match self.delivery.begin(self.version, now) {
            true => NoticeStep::Send(self.version),
            false => NoticeStep::Recorded,
        }
    }

    /// Records what became of a claim. Returns whether the notice changed: it does not when the claim no longer
    /// holds.
    pub fn finish_delivery(&mut self, fence: u64, outcome: &Outcome, now: Timestamp) -> bool {
        let held = self.delivery.is_held(fence);
        if held {
            self.delivery.finish(outcome, true, self.id.spread(), now);
            self.version += 1;
        }
        held
    }
}
