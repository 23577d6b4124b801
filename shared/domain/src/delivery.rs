//! The delivery of one mail: a state machine that survives crashes, lost answers and repeated messages.
//!
//! Whoever wants to send begins the delivery, and stores what that made of it on condition that nobody else
//! has changed it meanwhile: only one of several workers gets through. Only then the mail is offered to SES,
//! and what became of it is recorded.
//!
//! Where a worker fails between the claim and the record, nobody can know whether the mail left. The
//! lease ends, the delivery becomes uncertain, and after a wait for news the mail is sent again.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::id::UserId;

/// How long a claim holds. It exceeds the time limit of the worker function, so that a worker whose lease
/// has ended is certainly gone.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long news of an uncertain mail is awaited before it is sent again; twice as long after each further
/// attempt, so that a channel that keeps losing its answers does not fill a mailbox.
pub const UNCERTAIN_WAIT: SignedDuration = SignedDuration::from_secs(300);

/// A reminder later than this is noise, and is skipped.
pub const MAX_LATENESS: SignedDuration = SignedDuration::from_hours(24);

/// A mail sent later than this says so.
pub const LATE_AFTER: SignedDuration = SignedDuration::from_secs(300);

/// A reminder that SES has refused this often has failed.
pub const MAX_ATTEMPTS: u32 = 5;

/// The wait after the first refusal; it doubles with each further one. To this and to the next, up to 31 seconds are
/// added, by task, so that those who were turned away together do not come back together.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_secs(30);

/// The shortest and the longest wait of a deferred mail.
const DEFERRALS: RangeInclusive<SignedDuration> =
    SignedDuration::from_secs(30)..=SignedDuration::from_mins(30);

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waits for its moment, or for its next attempt.
    Scheduled,
    /// A worker has it and is sending.
    Claimed,
    /// SES accepted it.
    Sent,
    /// It was not sent, and there was a reason not to.
    Skipped,
    /// SES refused it for good.
    Failed,
    /// It may or may not have been accepted.
    Uncertain,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its moment had passed when it was set.
    PastWhenSet,
    /// The task was completed before.
    TaskCompleted,
    /// It could not be sent within a day.
    TooOld,
    /// The recipient has turned mails of this kind off.
    MailOff,
    /// The recipient has not proven that the address is theirs.
    Unverified,
    /// Mails to the recipient's address came back.
    Bounced,
    /// The recipient has called a mail unwanted.
    Complained,
    /// The task was snoozed until later.
    Snoozed,
    /// The account of the recipient is gone.
    NoRecipient,
    /// The account of the recipient is disabled.
    AccountDisabled,
    /// SES refused it, again and again.
    Refused,
    /// What it tells of has changed, so that it tells nothing any more.
    Replaced,
    /// The recipient may not see the task any more.
    NoAccess,
    /// A digest had nothing to tell.
    NothingDue,
    /// As many mails as one day allows have gone to the recipient, or were caused by the sender.
    TooManyMails,
    /// One of those that concern the recipient alone: what others than the recipient are told.
    NotDelivered,
}

impl Reason {
    /// Whether it tells something of the recipient that is nobody else's business.
    fn is_private(self) -> bool {
        match self {
            Self::MailOff
            | Self::Unverified
            | Self::Bounced
            | Self::Complained
            | Self::NoRecipient
            | Self::AccountDisabled
            | Self::TooManyMails => true,
            Self::PastWhenSet
            | Self::TaskCompleted
            | Self::TooOld
            | Self::Snoozed
            | Self::Refused
            | Self::Replaced
            | Self::NoAccess
            | Self::NothingDue
            | Self::NotDelivered => false,
        }
    }
}

/// What SES tells of a mail after it has accepted it. Of several the gravest stays, in whichever order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// The recipient's mail server has taken it.
    Delivered,
    /// The recipient's mail server has refused it, or SES has given up.
    Bounced,
    /// The recipient has called it unwanted.
    Complained,
}

impl Feedback {
    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// What SES tells of a mail that it has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryEvent {
    /// The message id that SES gave.
    pub message_id: String,
    /// When SES accepted it.
    pub accepted_at: Timestamp,
    /// What became of it then; none yet if it is only known to be accepted.
    pub feedback: Option<Feedback>,
}

/// When a mail is to be sent, and what is known of its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When it is to be sent.
    pub fire_at: Timestamp,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// The next moment at which something must happen to it: its sending, its next attempt, the end of
    /// a worker's lease, or the end of the wait for news of an uncertain mail. None when it is done.
    pub next_at: Option<Timestamp>,
    /// How often it has been offered to SES, or may have been.
    pub attempts: u32,
    /// After how many of them nobody could know whether SES had accepted it. Only then it may have been sent twice.
    pub uncertain_attempts: u32,
    /// Tells the claim that holds it from all earlier ones: a later one is higher.
    pub fence: u64,
    /// When SES accepted it.
    pub sent_at: Option<Timestamp>,
    /// The message id that SES gave.
    pub message_id: Option<String>,
    /// Why it was not sent.
    pub reason: Option<Reason>,
    /// What became of it behind SES.
    pub feedback: Option<Feedback>,
    /// To whom it was sent, or would have been; none while that is not known.
    pub recipient: Option<UserId>,
}

/// What became of a claimed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// SES accepted it under this message id.
    Accepted(String),
    /// SES certainly did not accept it.
    Refused,
    /// It was not offered to SES, or SES does not accept any mail at present (a sending rate, a daily quota, sending
    /// paused). That is no fault of the mail: it waits, and does not count as an attempt.
    Deferred,
    /// Nobody knows.
    Unknown,
    /// It was not offered to SES, for a reason.
    Skipped(Reason),
}

impl Delivery {
    /// A delivery that waits for its moment.
    pub fn scheduled(fire_at: Timestamp) -> Self {
        Self {
            fire_at,
            status: DeliveryStatus::Scheduled,
            next_at: Some(fire_at),
            attempts: 0,
            uncertain_attempts: 0,
            fence: 0,
            sent_at: None,
            message_id: None,
            reason: None,
            feedback: None,
            recipient: None,
        }
    }

    /// The delivery as somebody may see it: only the recipient learns what became of it at their mailbox, and that it
    /// failed because of their account or their settings. A complaint shows nowhere else.
    pub fn seen_by(&self, reader: UserId) -> Self {
        let mut seen = self.clone();
        if self.recipient == Some(reader) {
            return seen;
        }
        seen.feedback = None;
        let bounced = self.feedback == Some(Feedback::Bounced);
        if bounced || self.reason.is_some_and(Reason::is_private) {
            seen.reason = Some(Reason::NotDelivered);
        }
        seen
    }

    /// Ends it in a state from which nothing follows by itself.
    pub fn end(&mut self, status: DeliveryStatus, reason: Option<Reason>) {
        self.status = status;
        self.reason = reason;
        self.next_at = None;
    }

    /// Whether something must happen to it by `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_at.is_some_and(|at| at <= now)
    }

    /// Takes the step that is due. Returns whether the mail is now claimed, under this fence, and to be sent.
    pub(crate) fn begin(&mut self, fence: u64, now: Timestamp) -> bool {
        if self.status == DeliveryStatus::Claimed {
            // From now, and not from the lease's end: the clock that set that may be behind this one.
            self.mark_uncertain(Some(now + uncertain_wait(self.attempts)));
            return false;
        }
        if now.duration_since(self.fire_at) > MAX_LATENESS {
            let status = match self.status {
                DeliveryStatus::Uncertain => DeliveryStatus::Uncertain,
                _ => DeliveryStatus::Skipped,
            };
            self.end(status, Some(Reason::TooOld));
            return false;
        }
        self.status = DeliveryStatus::Claimed;
        self.attempts += 1;
        self.fence = fence;
        self.next_at = Some(now + LEASE);
        true
    }

    fn mark_uncertain(&mut self, until: Option<Timestamp>) {
        self.status = DeliveryStatus::Uncertain;
        self.uncertain_attempts += 1;
        self.next_at = until;
    }

    /// Whether the claim with this fence still waits for its outcome. One whose lease has ended does, until
    /// another one is made: news that comes late is news.
    pub(crate) fn is_held(&self, fence: u64) -> bool {
        let open = matches!(self.status, DeliveryStatus::Claimed | DeliveryStatus::Uncertain);
        open && self.fence == fence
    }

    /// Records what became of the claim. `wanted` says whether the mail is still to be sent, and `jitter_seed` is
    /// a number of seconds that differs from mail to mail.
    pub(crate) fn finish(&mut self, outcome: &Outcome, wanted: bool, jitter_seed: u8, now: Timestamp) {
        // Completing or changing a task has ended it: it is recorded, and not tried again.
        let goes_on = wanted && self.next_at.is_some();
        let apart = SignedDuration::from_secs(jitter_seed.into());
        match outcome {
            Outcome::Accepted(message_id) => {
                self.end(DeliveryStatus::Sent, None);
                self.sent_at = Some(now);
                self.message_id = Some(message_id.clone());
            }
            Outcome::Skipped(reason) => {
                self.attempts = self.attempts.saturating_sub(1);
                self.end(DeliveryStatus::Skipped, Some(*reason));
            }
            Outcome::Refused | Outcome::Deferred if !goes_on => {
                let reason = self.reason;
                self.end(DeliveryStatus::Skipped, reason);
            }
            Outcome::Refused if self.attempts >= MAX_ATTEMPTS => {
                self.end(DeliveryStatus::Failed, Some(Reason::Refused));
            }
            Outcome::Refused => {
                self.status = DeliveryStatus::Scheduled;
                self.next_at = Some(now + backoff(self.attempts) + apart);
            }
            Outcome::Deferred => {
                self.status = DeliveryStatus::Scheduled;
                self.attempts = self.attempts.saturating_sub(1);
                self.next_at = Some(now + deferral(now.duration_since(self.fire_at)) + apart);
            }
            Outcome::Unknown => {
                self.mark_uncertain(goes_on.then_some(now + uncertain_wait(self.attempts)));
            }
        }
    }

    /// Learns what SES tells of the mail, in whichever attempt it was sent. Returns whether that is news: of a mail that
    /// was never offered there is none.
    pub(crate) fn apply_event(&mut self, news: &DeliveryEvent) -> bool {
        if self.attempts == 0 {
            return false;
        }
        let unknown = self.status != DeliveryStatus::Sent;
        if unknown {
            self.end(DeliveryStatus::Sent, None);
            self.sent_at = Some(news.accepted_at);
            self.message_id = Some(news.message_id.clone());
        }
        let graver = news.feedback > self.feedback;
        self.feedback = self.feedback.max(news.feedback);
        unknown || graver
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    FIRST_BACKOFF * doublings(attempts)
}

/// How long a mail waits that is deferred: half as long again as it has waited so far. The longer SES accepts nothing,
/// the less often it is asked: some sixty times in a day.
fn deferral(lateness: SignedDuration) -> SignedDuration {
    // In whole seconds, as all times are.
    SignedDuration::from_secs(lateness.as_secs() / 2).clamp(*DEFERRALS.start(), *DEFERRALS.end())
}

fn uncertain_wait(attempts: u32) -> SignedDuration {
    UNCERTAIN_WAIT * doublings(attempts)
}

fn doublings(attempts: u32) -> i32 {
    2_i32.pow(attempts.saturating_sub(1).min(8))
}
