//! Timers, notifications, and the sending of mail.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    digest::Digest,
    email::EmailAddress,
    id::{NotificationId, ReminderId, UserId},
    notification::Notification,
    space::Invitation,
    timer::{Timer, TimerTarget},
};

use super::{Created, IdempotencyRecord, PortError, Replaced};

/// Reads and changes notifications, and what goes with their sending.
pub trait Notifications: Send + Sync {
    /// The notification as it is now (a consistent read), or nothing.
    fn notification(
        &self,
        id: NotificationId,
    ) -> impl Future<Output = Result<Option<Notification>, PortError>> + Send;

    /// Stores a new notification, together with the record of its idempotency key.
    fn add_notification(
        &self,
        notification: &Notification,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;

    /// Stores a notification if the stored one still has the version `expected`.
    fn replace_notification(
        &self,
        notification: &Notification,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Notification>, PortError>> + Send;

    /// Sets the secret of an invitation, if it is still carried by the same notification. Returns whether it is.
    fn set_invitation_secret(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// Keeps the digests.
pub trait Digests: Send + Sync {
    /// The digest of a user as it is now (a consistent read), or nothing.
    fn digest(&self, user: UserId) -> impl Future<Output = Result<Option<Digest>, PortError>> + Send;

    /// Stores a digest if the stored one still has the version `expected`, together with the notification that carries the
    /// mail of a day.
    fn replace_digest(
        &self,
        digest: &Digest,
        expected: u64,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Replaced<Digest>, PortError>> + Send;
}

/// A page of timers, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerPage {
    /// The timers, the earliest first.
    pub timers: Vec<Timer>,
    /// The last timer that was looked at, if there may be more behind it.
    pub next: Option<Timer>,
}

/// How many shards the timers are spread over, so that those of one minute do not share a partition.
pub const TIMER_SHARDS: u8 = 16;

/// Finds tasks by their next timer.
pub trait Timers: Send + Sync {
    /// The timers of one shard up to and including `until`, behind `after`.
    fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> impl Future<Output = Result<TimerPage, PortError>> + Send;

    /// Lets the timer be found again at `to`, if it is still the task's timer. Otherwise somebody has
    /// moved it, which is as good.
    fn postpone(
        &self,
        timer: Timer,
        to: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Carries timers to the worker, each at its moment.
pub trait TimerQueue: Send + Sync {
    /// Queues timers so that each is delivered at its moment, or at once if that is past. Returns those
    /// that are queued for certain; a timer that is not may have been queued too.
    fn enqueue(
        &self,
        timers: &[Timer],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Timer>, PortError>> + Send;
}

/// What a mail is about. SES repeats it in all that it tells of the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailTags {
    /// The task or the notification.
    pub subject: TimerTarget,
    /// The reminder of the task.
    pub reminder: Option<ReminderId>,
    /// The account it goes to; an invitation goes to an address.
    pub user: Option<UserId>,
}

/// A mail, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// What it is about.
    pub about: MailTags,
    /// Where it goes.
    pub to: EmailAddress,
    /// The whole message (RFC 5322), headers included.
    pub message: Vec<u8>,
}

/// Why a mail was not sent, as far as can be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It was certainly not accepted; the code says why.
    #[error("refused: {0}")]
    Refused(String),
    /// It was certainly not accepted, for a reason that lies in the account or on the way, and not in the mail: it can
    /// be offered again later.
    #[error("deferred: {0}")]
    Deferred(String),
    /// It may or may not have been accepted.
    #[error("unknown whether it was accepted: {0}")]
    Unknown(String),
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Offers a mail once, and never retries by itself. Returns the message id.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, MailError>> + Send;
}
