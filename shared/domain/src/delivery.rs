//! The delivery of one mail: a state machine that survives crashes, lost responses and repeated messages.
//!
//! A worker claims the delivery, and stores the claim on condition that the delivery has not changed since it was read, so
//! only one of several workers succeeds. Then it sends the mail and records the outcome.
//!
//! If a worker fails between claim and record, it is unknown whether the mail was sent. When the lease ends, the delivery
//! becomes uncertain. If no event of the mail service arrives in time, the mail is sent again.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::id::UserId;

/// How long a claim holds. It exceeds the timeout of the worker function, so the worker has stopped when its lease ends.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long to wait for an event about an uncertain mail before it is sent again. The wait doubles with each attempt, so
/// that a mail service whose responses keep getting lost does not fill a mailbox.
pub const UNCERTAIN_WAIT: SignedDuration = SignedDuration::from_secs(300);

/// A mail that is later than this is skipped.
pub const MAX_LATENESS: SignedDuration = SignedDuration::from_hours(24);

/// A mail that is later than this says that it is late.
pub const LATE_AFTER: SignedDuration = SignedDuration::from_secs(300);

/// After this many refusals by the mail service a delivery has failed.
pub const MAX_ATTEMPTS: u32 = 5;

/// The wait after the first refusal. It doubles with each further one. Up to 31 seconds of jitter are added to this and to
/// [`DEFERRALS`].
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_secs(30);

/// The minimum and maximum wait of a deferred mail.
const DEFERRALS: RangeInclusive<SignedDuration> =
    SignedDuration::from_secs(30)..=SignedDuration::from_mins(30);

/// The status of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits until it is due, or for its next attempt.
    Scheduled,
    /// A worker is sending it.
    Claimed,
    /// The mail service accepted it.
    Sent,
    /// It was not sent, for a reason.
    Skipped,
    /// The mail service refused it repeatedly.
    Failed,
    /// It is unknown whether the mail service accepted it.
    Uncertain,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its time had passed when it was set.
    PastWhenSet,
    /// The task was completed.
    TaskCompleted,
    /// It could not be sent within 24 hours.
    TooOld,
    /// The recipient has turned off mails of this kind.
    MailOff,
    /// The recipient's address is not verified.
    Unverified,
    /// A mail to the recipient bounced.
    Bounced,
    /// The recipient reported a mail as spam.
    Complained,
    /// The task was snoozed.
    Snoozed,
    /// The recipient's account does not exist.
    NoRecipient,
    /// The recipient's account is blocked.
    AccountDisabled,
    /// The mail service refused it repeatedly.
    Refused,
    /// Its subject has changed, so that it is outdated.
    Replaced,
    /// The recipient can no longer see the task.
    NoAccess,
    /// A digest would have been empty.
    NothingDue,
    /// A daily limit of mails to the recipient or by the sender was exceeded.
    TooManyMails,
    /// A reason that only the recipient may see. Others see this one.
    NotDelivered,
}

impl Reason {
    /// Whether only the recipient may see it.
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

/// What happened to a mail after the mail service accepted it, in ascending order of severity. The most severe is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// The recipient's mail server accepted it.
    Delivered,
    /// The recipient's mail server refused it, or could not be reached.
    Bounced,
    /// The recipient reported it as spam.
    Complained,
}

impl Feedback {
    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// An event of the mail service about a mail that it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryEvent {
    /// The message id assigned by the mail service.
    pub message_id: String,
    /// When the mail service accepted it.
    pub accepted_at: Timestamp,
    /// What happened to it. `None` if it was only accepted.
    pub feedback: Option<Feedback>,
}

/// The state of the delivery of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When the mail is due.
    pub fire_at: Timestamp,
    /// Its status.
    pub status: DeliveryStatus,
    /// When the next step is due: sending, the next attempt, the end of a worker's lease, or the end of the wait for an
    /// event. `None` once the delivery has ended.
    pub next_at: Option<Timestamp>,
    /// The number of times it was sent or may have been sent.
    pub attempts: u32,
    /// The number of attempts with an unknown outcome. If it is zero, the mail was sent at most once.
    pub uncertain_attempts: u32,
    /// The fencing token of the latest claim. It increases with each claim.
    pub fence: u64,
    /// When the mail service accepted it.
    pub sent_at: Option<Timestamp>,
    /// The message id assigned by the mail service.
    pub message_id: Option<String>,
    /// Why it was not sent.
    pub reason: Option<Reason>,
    /// What happened to the mail after it was accepted.
    pub feedback: Option<Feedback>,
    /// The recipient. `None` while it is unknown.
    pub recipient: Option<UserId>,
}

/// The outcome of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mail service accepted the mail under this message id.
    Accepted(String),
    /// The mail service refused the mail.
    Refused,
    /// The mail was not sent, or the mail service currently accepts no mail (sending rate, daily quota, paused account). It
    /// does not count as an attempt.
    Deferred,
    /// It is unknown whether the mail service accepted the mail.
    Unknown,
    /// The mail was not sent, for this reason.
    Skipped(Reason),
}

/// What a delivery has become in the step that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// The mail is claimed and must be sent.
    Claimed,
    /// A worker has claimed the mail and not recorded its outcome.
    Uncertain,
    /// It is too late to send the mail.
    TooOld,
    /// It is too late to send the mail again, and unknown whether it was sent.
    Unresolved,
}

impl Delivery {
    /// A delivery that waits until it is due.
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

    /// The delivery as a user may see it. Only the recipient sees what happened to the mail at their mail server, and
    /// reasons that concern their account or settings.
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

    /// Ends the delivery.
    pub fn end(&mut self, status: DeliveryStatus, reason: Option<Reason>) {
        self.status = status;
        self.reason = reason;
        self.next_at = None;
    }

    /// Whether a step is due at `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_at.is_some_and(|at| at <= now)
    }

    /// Takes the step that is due.
    pub(crate) fn begin(&mut self, fence: u64, now: Timestamp) -> Begun {
        if self.status == DeliveryStatus::Claimed {
            // Counted from now, not from the end of the lease: the clock that set the lease may be slow.
            self.mark_uncertain(Some(now + uncertain_wait(self.attempts)));
            return Begun::Uncertain;
        }
        if now.duration_since(self.fire_at) > MAX_LATENESS {
            let (status, begun) = match self.status {
                DeliveryStatus::Uncertain => (DeliveryStatus::Uncertain, Begun::Unresolved),
                _ => (DeliveryStatus::Skipped, Begun::TooOld),
            };
            self.end(status, Some(Reason::TooOld));
            return begun;
        }
        self.status = DeliveryStatus::Claimed;
        self.attempts += 1;
        self.fence = fence;
        self.next_at = Some(now + LEASE);
        Begun::Claimed
    }

    fn mark_uncertain(&mut self, until: Option<Timestamp>) {
        self.status = DeliveryStatus::Uncertain;
        self.uncertain_attempts += 1;
        self.next_at = until;
    }

    /// Whether the claim with this fence can still record its outcome. It can after its lease has ended, until there is a
    /// new claim.
    pub(crate) fn is_held(&self, fence: u64) -> bool {
        let open = matches!(self.status, DeliveryStatus::Claimed | DeliveryStatus::Uncertain);
        open && self.fence == fence
    }

    /// Records the outcome of the claim. `wanted` says whether the mail is still to be sent. `jitter_seed` is a number of
    /// seconds that is added to waits, so that mails that were deferred together are not retried together.
    pub(crate) fn finish(&mut self, outcome: &Outcome, wanted: bool, jitter_seed: u8, now: Timestamp) {
        // If a change of the task has ended the delivery, the outcome is recorded and the mail is not sent again.
        let retries = wanted && self.next_at.is_some();
        let jitter = SignedDuration::from_secs(jitter_seed.into());
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
            Outcome::Refused | Outcome::Deferred if !retries => {
                let reason = self.reason;
                self.end(DeliveryStatus::Skipped, reason);
            }
            Outcome::Refused if self.attempts >= MAX_ATTEMPTS => {
                self.end(DeliveryStatus::Failed, Some(Reason::Refused));
            }
            Outcome::Refused => {
                self.status = DeliveryStatus::Scheduled;
                self.next_at = Some(now + backoff(self.attempts) + jitter);
            }
            Outcome::Deferred => {
                self.status = DeliveryStatus::Scheduled;
                self.attempts = self.attempts.saturating_sub(1);
                self.next_at = Some(now + deferral(now.duration_since(self.fire_at)) + jitter);
            }
            Outcome::Unknown => {
                self.mark_uncertain(retries.then_some(now + uncertain_wait(self.attempts)));
            }
        }
    }

    /// Applies an event of the mail service, about any attempt. Returns whether the delivery changed. Events about a mail
    /// that was never sent are ignored.
    pub(crate) fn apply_event(&mut self, event: &DeliveryEvent) -> bool {
        if self.attempts == 0 {
            return false;
        }
        let unknown = self.status != DeliveryStatus::Sent;
        if unknown {
            self.end(DeliveryStatus::Sent, None);
            self.sent_at = Some(event.accepted_at);
            self.message_id = Some(event.message_id.clone());
        }
        let more_severe = event.feedback > self.feedback;
        self.feedback = self.feedback.max(event.feedback);
        unknown || more_severe
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    FIRST_BACKOFF * doublings(attempts)
}

/// The wait of a deferred mail: half of its lateness. The longer the mail service accepts nothing, the less often it is
/// tried: about sixty times per day.
fn deferral(lateness: SignedDuration) -> SignedDuration {
    // All times are whole seconds.
    SignedDuration::from_secs(lateness.as_secs() / 2).clamp(*DEFERRALS.start(), *DEFERRALS.end())
}

fn uncertain_wait(attempts: u32) -> SignedDuration {
    UNCERTAIN_WAIT * doublings(attempts)
}

fn doublings(attempts: u32) -> i32 {
    2_i32.pow(attempts.saturating_sub(1).min(8))
}
