//! Mails that are no reminders: invitations, news of an assignment, digests, messages of operators, and mails that an
//! account asks for. Each is sent once, by the same worker and under the same rules as a reminder, and keeps its own
//! ledger.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    clock::Random,
    credential::{link_token, sha256_hex},
    delivery::{Delivery, DeliveryEvent, Outcome},
    email::EmailAddress,
    id::{NotificationId, SpaceId, TaskId, UserId},
    text::{MessageSubject, MessageText},
    timer::{self, Timer},
    unknown::Unknown,
    words::word_enum,
};

word_enum!(Purpose, "What a code is good for.",
    Operator = "operator": "Makes the account an operator.",
    PasswordReset = "password_reset": "Sets another password.",
);

impl Purpose {
    /// How long a code for it can be used.
    pub fn lifetime(self) -> SignedDuration {
        match self {
            Self::Operator => SignedDuration::from_hours(24),
            Self::PasswordReset => SignedDuration::from_hours(1),
        }
    }
}

/// How long a notification is kept after it was made.
pub const NOTIFICATION_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What a notification says, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationKind {
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
    /// An operator writes to a user.
    Message {
        /// To whom.
        to: UserId,
        /// The operator.
        by: UserId,
        /// What it is about.
        subject: MessageSubject,
        /// What it says.
        text: MessageText,
    },
    /// A link by which a user proves that the address of the account is theirs.
    Verification {
        /// To whom.
        to: UserId,
    },
    /// What is due.
    Digest {
        /// To whom.
        to: UserId,
        /// The day for which it was made, where its reader was then.
        day: Date,
    },
    /// A code that works once.
    Code {
        /// To whom.
        to: UserId,
        /// What it is good for.
        purpose: Purpose,
        /// Hash of the code's secret; none until the mail is written, and once it is used.
        secret_hash: Option<String>,
    },
}

/// A mail to be sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Names it.
    pub id: NotificationId,
    /// What it says.
    pub content: NotificationKind,
    /// What is known of its delivery.
    pub delivery: Delivery,
    /// Counts its changes.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

/// What is to be done about a notification at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationStep {
    /// Nothing; it is unchanged.
    Idle,
    /// It has changed: store it, and ask again.
    Recorded,
    /// It has changed: store it, and once it is stored, send it under this fence.
    Send(u64),
}

/// What the mail of a code carries: it names its notification, and proves that its reader got the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// The mail.
    pub notification: NotificationId,
    /// 128 random bits.
    pub secret: String,
}

impl Code {
    /// A new code.
    pub fn generate(notification: NotificationId, random: &dyn Random) -> Self {
        Self { notification, secret: link_token(random) }
    }

    /// Reads what [`Self::to_text`] wrote; nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (notification, secret) = text.trim().split_once('.')?;
        Some(Self {
            notification: NotificationId::from_body(notification).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// The code as it stands in the mail.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.notification.body(), self.secret)
    }

    /// What is stored instead of the secret.
    pub fn hash(&self) -> String {
        sha256_hex(self.secret.as_bytes())
    }
}

impl Notification {
    /// A notification to be sent now.
    pub fn new(id: NotificationId, content: NotificationKind, now: Timestamp) -> Self {
        let (delivery, unknown) = (Delivery::scheduled(now), Unknown::default());
        Self { id, content, delivery, version: 1, created_at: now, unknown }
    }

    /// Its next timer; none when it is done with.
    pub fn timer(&self) -> Option<Timer> {
        Some(Timer { at: self.delivery.next_at?, subject: timer::TimerTarget::Notification(self.id) })
    }

    /// Takes the next step that is due. The version is one higher unless it is [`NotificationStep::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp) -> NotificationStep {
        if !self.delivery.is_due(now) {
            return NotificationStep::Idle;
        }
        self.version += 1;
        match self.delivery.begin(self.version, now) {
            true => NotificationStep::Send(self.version),
            false => NotificationStep::Recorded,
        }
    }

    /// Records what became of a claim. Returns whether the notification changed: it does not when the claim no longer
    /// holds.
    pub fn finish_delivery(&mut self, fence: u64, outcome: &Outcome, now: Timestamp) -> bool {
        let held = self.delivery.is_held(fence);
        if held {
            self.delivery.finish(outcome, true, self.id.jitter_seed(), now);
            self.version += 1;
        }
        held
    }

    /// Learns what SES tells of its mail. Returns whether that is news.
    pub fn apply_event(&mut self, news: &DeliveryEvent) -> bool {
        let learned = self.delivery.apply_event(news);
        self.version += u64::from(learned);
        learned
    }
}
