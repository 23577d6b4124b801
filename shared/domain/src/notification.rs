//! Mails that are not reminders: invitations, assignments, digests, messages from operators, and mails that a user
//! requests. Each is sent once, by the same worker and under the same rules as a reminder, and has its own delivery log.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    account_event::AccountEvent,
    delivery::{Begun, Delivery, DeliveryEvent, Outcome},
    email::EmailAddress,
    id::{NotificationId, SpaceId, TaskId, UserId},
    one_time_code::Purpose,
    text::{MessageSubject, MessageText},
    timer::{Timer, TimerTarget},
    unknown::Unknown,
};

/// How long a notification is stored after its creation, or after it was due if that is later.
pub const NOTIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The content and the recipient of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationKind {
    /// A task was assigned to the recipient.
    Assignment {
        /// The recipient.
        to: UserId,
        /// The task.
        task: TaskId,
        /// The user who assigned it.
        by: UserId,
    },
    /// An invitation into a space.
    Invitation {
        /// The recipient, who may not have an account.
        to: EmailAddress,
        /// The space.
        space: SpaceId,
    },
    /// An operator's invitation to register an account.
    RegistrationInvitation {
        /// The recipient, who has no account.
        to: EmailAddress,
        /// The operator.
        by: UserId,
    },
    /// A message from an operator.
    Message {
        /// The recipient.
        to: UserId,
        /// The operator.
        by: UserId,
        /// The subject line.
        subject: MessageSubject,
        /// The text.
        text: MessageText,
    },
    /// A link that verifies the address of an account.
    Verification {
        /// The recipient.
        to: UserId,
    },
    /// A daily digest.
    Digest {
        /// The recipient.
        to: UserId,
        /// Its day, in the recipient's time zone when it was created.
        day: Date,
    },
    /// A one-time code.
    Code {
        /// The recipient.
        to: UserId,
        /// What the code authorizes.
        purpose: Purpose,
        /// Where it goes, unless that is the address of the account.
        address: Option<EmailAddress>,
        /// Hash of the code's secret. `None` until the mail is written, and after the code was used.
        secret_hash: Option<String>,
    },
    /// A change of an account.
    Account {
        /// The account.
        to: UserId,
        /// What has changed.
        event: AccountEvent,
    },
}

/// A mail that is sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Its content and recipient.
    pub kind: NotificationKind,
    /// Its delivery.
    pub delivery: Delivery,
    /// The number of changes.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

/// The next step of the delivery of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationStep {
    /// Nothing is due. The notification is unchanged.
    Idle,
    /// The delivery changed, and its mail is not to be sent now: store the notification, then ask for the next step.
    Recorded(Begun),
    /// The notification changed: store it, then send it under this fence.
    Send(u64),
}

impl Notification {
    /// A new notification that is due now.
    pub fn new(id: NotificationId, kind: NotificationKind, now: Timestamp) -> Self {
        Self::scheduled(id, kind, now, now)
    }

    /// A new notification that is due at `at`.
    pub fn scheduled(
        id: NotificationId,
        kind: NotificationKind,
        at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let (delivery, unknown) = (Delivery::scheduled(at), Unknown::default());
        Self { id, kind, delivery, version: 1, created_at: now, unknown }
    }

    /// When the notification may be deleted.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.max(self.delivery.fire_at) + NOTIFICATION_LIFETIME
    }

    /// The next timer. `None` when the delivery has ended.
    pub fn timer(&self) -> Option<Timer> {
        Some(Timer { at: self.delivery.next_at?, target: TimerTarget::Notification(self.id) })
    }

    /// Takes the step that is due. The version increases by one unless it is [`NotificationStep::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp) -> NotificationStep {
        if !self.delivery.is_due(now) {
            return NotificationStep::Idle;
        }
        self.version += 1;
        match self.delivery.begin(self.version, now) {
            Begun::Claimed => NotificationStep::Send(self.version),
            begun @ (Begun::Uncertain | Begun::TooOld | Begun::Unresolved) => {
                NotificationStep::Recorded(begun)
            }
        }
    }

    /// Records the outcome of a claim. Returns whether the notification changed: it does not if the claim no longer
    /// holds.
    pub fn finish_delivery(&mut self, fence: u64, outcome: &Outcome, now: Timestamp) -> bool {
        let held = self.delivery.is_held(fence);
        if held {
            self.delivery.finish(outcome, true, self.id.jitter_seed(), now);
            self.version += 1;
        }
        held
    }

    /// Applies an event of the mail service. Returns whether the notification changed.
    pub fn apply_event(&mut self, event: &DeliveryEvent) -> bool {
        let changed = self.delivery.apply_event(event);
        self.version += u64::from(changed);
        changed
    }
}
