//! What the rules need from the outside. Each port is as narrow as the permission behind it, and each of
//! its methods is one access pattern.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    credential::{Credential, Session},
    email::EmailAddress,
    id::{SessionId, TaskId, UserId},
    list::{TaskPage, TaskQuery},
    task::Task,
    timer::Timer,
    user::User,
};

/// Something outside did not do what was asked. Nothing is known of why that a client could act on.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {source}")]
pub struct PortError {
    /// What was asked, for the log.
    pub operation: &'static str,
    /// Whether the same call may well succeed a moment later.
    pub transient: bool,
    /// What was answered, for the log. It holds no values of users.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What came of storing something on condition that it is still the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced<T> {
    /// It is stored.
    Done,
    /// It has changed meanwhile; this is what it is now, or nothing if it is gone.
    Conflict(Option<Box<T>>),
}

/// Reads profiles.
pub trait Profiles: Send + Sync {
    /// The profile as it is now (a consistent read), or nothing.
    fn user(&self, id: UserId) -> impl Future<Output = Result<Option<User>, PortError>> + Send;
}

/// Changes profiles.
pub trait ProfileChanges: Profiles {
    /// Stores a profile if the stored one still has the version `expected`.
    fn replace_user(
        &self,
        user: &User,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<User>, PortError>> + Send;
}

/// What came of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The account is there, with its personal space.
    Done,
    /// Another account has that address.
    EmailTaken,
}

/// Makes accounts.
pub trait Registrations: Send + Sync {
    /// Stores the profile, its credential under the canonical address, and the personal space: all of
    /// them or none.
    fn register(
        &self,
        user: &User,
        credential: &Credential,
    ) -> impl Future<Output = Result<Registered, PortError>> + Send;
}

/// Reads what a log-in is checked against.
pub trait Credentials: Send + Sync {
    /// The credential stored under the canonical form of an address, or nothing.
    fn credential(
        &self,
        email: &EmailAddress,
    ) -> impl Future<Output = Result<Option<Credential>, PortError>> + Send;
}

/// What came of exchanging a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The session goes on with the new token.
    Done,
    /// The session is there, and the token was not its current one: it has been used before, or forged.
    Reused,
    /// No such session, or it has expired.
    Unknown,
}

/// Keeps sessions.
pub trait Sessions: Send + Sync {
    /// Stores a new session.
    fn open_session(&self, session: &Session) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Replaces the current token of a session, if `presented` is its hash and the session lives at
    /// `now`: of two who present the same token, one succeeds. The very same exchange again (the SDK may
    /// send it twice) succeeds too.
    fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Rotated, PortError>> + Send;

    /// Ends a session. That it is gone already is no error.
    fn close_session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Proof of a creating request, kept beside what it created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose request it was.
    pub user: UserId,
    /// Hash of the key that the client chose.
    pub key_hash: String,
    /// Hash of the request's body.
    pub body_hash: String,
    /// What was created.
    pub task: TaskId,
    /// When the record counts no more.
    pub expires_at: Timestamp,
}

/// What came of creating a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    Done,
    /// The key was used before; this is the record of it. Nothing was stored.
    KeyUsed(IdempotencyRecord),
}

/// Reads tasks.
pub trait TaskReads: Send + Sync {
    /// The task as it is now (a consistent read), or nothing.
    fn task(&self, id: TaskId) -> impl Future<Output = Result<Option<Task>, PortError>> + Send;

    /// One page of a list. It may lag behind the latest changes by a moment.
    fn list(&self, query: &TaskQuery) -> impl Future<Output = Result<TaskPage, PortError>> + Send;
}

/// Creates tasks.
pub trait TaskCreation: TaskReads + Profiles {
    /// Stores a new task, together with the record of its idempotency key: both or neither. A record
    /// that has expired at `now` does not count.
    fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;
}

/// Changes tasks.
pub trait TaskChanges: TaskReads {
    /// The task and a profile, in one call.
    fn task_and_user(
        &self,
        task: TaskId,
        user: UserId,
    ) -> impl Future<Output = Result<(Option<Task>, Option<User>), PortError>> + Send;

    /// Stores a task if the stored one still has the version `expected`.
    fn replace(
        &self,
        task: &Task,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;

    /// Deletes a task if it still has the version `expected`.
    fn delete(
        &self,
        id: TaskId,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;
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

/// A mail, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
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
    /// It was certainly not accepted, for want of room; later it may be.
    #[error("not now: {0}")]
    NotNow(String),
    /// It may or may not have been accepted.
    #[error("unknown whether it was accepted: {0}")]
    Unknown(String),
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Offers a mail once, and never retries by itself. Returns the message id.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, MailError>> + Send;
}

/// Keeps the private key that signs access tokens.
pub trait SigningKeyStore: Send + Sync {
    /// The key, decrypted. That there is none is an error.
    fn read(&self) -> impl Future<Output = Result<String, PortError>> + Send;

    /// Stores a key unless there is one; an existing one is never replaced. Returns whether it was stored.
    fn create(&self, key: &str) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Deletes the key. That it is gone already is no error.
    fn delete(&self) -> impl Future<Output = Result<(), PortError>> + Send;
}
