//! What the rules need from the outside. Each port is as narrow as the permission behind it, and each of
//! its methods is one access pattern.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    comment::Comment,
    counts::{Counted, Numbers, Tallies, Tally},
    credential::{Credential, Session},
    email::EmailAddress,
    id::{CommentId, NoticeId, SessionId, SpaceId, TaskId, UserId},
    limit::{Limit, Subject},
    list::{TaskPage, TaskQuery},
    notice::Notice,
    space::{Invitation, Member, MemberChange, Role, Space},
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

/// A page of accounts, and the last one of it if there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts, by address.
    pub items: Vec<User>,
    /// Behind which the next page begins: its canonical address and its id.
    pub next: Option<(String, UserId)>,
}

/// Manages accounts.
pub trait Accounts: ProfileChanges {
    /// The accounts whose canonical address begins so, behind one of them. It may lag behind the latest changes by
    /// a moment.
    fn users(
        &self,
        begins: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> impl Future<Output = Result<UserPage, PortError>> + Send;

    /// Shuts a user out of all requests that are counted for them under a limit, or lets them in again.
    fn shut_out(
        &self,
        user: UserId,
        limit: &Limit,
        out: bool,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Ends all sessions of a user.
    fn close_sessions(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;
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

/// Counts what somebody does, to limit it.
pub trait Limits: Send + Sync {
    /// Counts one more for a subject, and tells how many there are in the window of `now`, this one included;
    /// nothing if the subject has been shut out.
    fn count(
        &self,
        limit: &Limit,
        subject: &Subject,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<u32>, PortError>> + Send;
}

/// Proof of what a request has done, kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose request it was.
    pub user: UserId,
    /// Hash of the key that the client chose.
    pub key_hash: String,
    /// Hash of the request's body.
    pub body_hash: String,
    /// The id of what was created, or changed.
    pub made: String,
    /// The status that was answered.
    pub status: u16,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the record counts no more.
    pub expires_at: Timestamp,
}

/// What came of creating something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    Done,
    /// The key was used before; this is the record of it. Nothing was stored.
    KeyUsed(IdempotencyRecord),
}

/// Finds what requests with idempotency keys have done.
pub trait IdempotencyRecords: Send + Sync {
    /// The records of a user that are there for some keys, and have not expired at `now`; in any order.
    fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<IdempotencyRecord>, PortError>> + Send;
}

/// Knows who is in which space.
pub trait Memberships: Send + Sync {
    /// What a user may do in a shared space, as it is now (a consistent read); nothing if they are no member,
    /// or the space is gone or being deleted.
    fn role(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<Role>, PortError>> + Send;

    /// The shared spaces that a user is a member of, each with their role there.
    fn spaces_of(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Vec<(Space, Role)>, PortError>> + Send;
}

/// Reads spaces.
pub trait SpaceReads: Memberships + Profiles {
    /// The space, also while it is being deleted, and what a user may do there. Nothing for one who is no
    /// member.
    fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<(Space, Member)>, PortError>> + Send;

    /// All members of a space, each with their profile.
    fn members(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Vec<(Member, User)>, PortError>> + Send;

    /// The space, also while it is being deleted.
    fn space(&self, id: SpaceId) -> impl Future<Output = Result<Option<Space>, PortError>> + Send;

    /// All invitations into a space, also those that count no more and are not deleted yet.
    fn invitations(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Vec<Invitation>, PortError>> + Send;

    /// The invitation of the address with this hash into a space.
    fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<Option<Invitation>, PortError>> + Send;
}

/// Changes spaces and who is in them.
pub trait SpaceChanges: SpaceReads + IdempotencyRecords {
    /// Stores a new space with its first owner, and the record of its idempotency key: all or nothing.
    fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;

    /// Stores a space if the stored one still has the version `expected`.
    fn replace_space(
        &self,
        space: &Space,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Space>, PortError>> + Send;

    /// Changes who is in a space, together with the space that has counted it, if the stored space still has
    /// the version `expected` and the member, or the invitation, is still what the change says. Returns
    /// whether it was so.
    fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Stores an invitation in the place of an older one for the same address, together with the notice that
    /// carries it, and the record of its idempotency key.
    fn invite(
        &self,
        invitation: &Invitation,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;

    /// Takes back the invitation of the address with this hash. That there is none is no error.
    fn revoke(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes tasks of a space that is being deleted, so many at most, and in the end the space. Returns
    /// whether all is gone.
    fn purge_space(
        &self,
        space: SpaceId,
        most: usize,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// Reads and changes notices, and what goes with their sending.
pub trait Notices: Send + Sync {
    /// The notice as it is now (a consistent read), or nothing.
    fn notice(&self, id: NoticeId) -> impl Future<Output = Result<Option<Notice>, PortError>> + Send;

    /// Stores a new notice, together with the record of its idempotency key.
    fn add_notice(
        &self,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;

    /// Stores a notice if the stored one still has the version `expected`.
    fn replace_notice(
        &self,
        notice: &Notice,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Notice>, PortError>> + Send;

    /// Sets the secret of an invitation, if it is still carried by the same notice. Returns whether it is.
    fn arm_invitation(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// What is stored together with a changed task, or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alongside<'a> {
    /// The occurrence that its completion made.
    pub next: Option<&'a Task>,
    /// The notice that tells of the change.
    pub notice: Option<&'a Notice>,
    /// The record of the idempotency key of the request. Is there one already, nothing is stored, and that is
    /// an error which passes: the same request is being carried out elsewhere.
    pub record: Option<&'a IdempotencyRecord>,
}

/// Reads tasks, and who may see them.
pub trait TaskReads: Memberships {
    /// The task as it is now (a consistent read), or nothing.
    fn task(&self, id: TaskId) -> impl Future<Output = Result<Option<Task>, PortError>> + Send;

    /// One page of a list. It may lag behind the latest changes by a moment.
    fn list(&self, query: &TaskQuery) -> impl Future<Output = Result<TaskPage, PortError>> + Send;
}

/// A page of comments, and the last one of it if there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentPage {
    /// The comments, the oldest first.
    pub items: Vec<Comment>,
    /// Behind which the next page begins.
    pub next: Option<CommentId>,
}

/// Keeps comments.
pub trait Comments: TaskReads + IdempotencyRecords {
    /// Stores a new comment, if its task is there, and the record of its idempotency key. Nothing if the task is
    /// gone.
    fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Option<Created>, PortError>> + Send;

    /// A comment of a task (a consistent read), or nothing.
    fn comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<Option<Comment>, PortError>> + Send;

    /// Comments of a task, behind one of them (a consistent read).
    fn comments(
        &self,
        task: TaskId,
        after: Option<CommentId>,
        limit: u8,
    ) -> impl Future<Output = Result<CommentPage, PortError>> + Send;

    /// Stores a comment if the stored one still has the version `expected`.
    fn replace_comment(
        &self,
        comment: &Comment,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Comment>, PortError>> + Send;

    /// Deletes a comment. That it is gone already is no error.
    fn delete_comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Keeps count of tasks.
pub trait Counting: Send + Sync {
    /// Lets the numbers of a space say what a task counts as now. Counted twice, it counts once; what is older than
    /// what has been counted is passed over.
    fn count_task(&self, counted: &Counted) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// A page of tallies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyPage {
    /// The tallies in their order, those without tasks left out.
    pub items: Vec<(Tally, Numbers)>,
    /// The last one that was looked at, if there may be more behind it.
    pub next: Option<Tally>,
}

/// Reads what is counted. It lags behind the latest changes by moments.
pub trait CountReads: Memberships + Profiles {
    /// Tallies of a space behind one of them; all that go into one answer of the store if there is no limit.
    fn tallies(
        &self,
        space: SpaceId,
        of: Tallies,
        after: Option<Tally>,
        limit: Option<u8>,
    ) -> impl Future<Output = Result<TallyPage, PortError>> + Send;
}

/// Knows how much is in a space.
pub trait Quotas: Send + Sync {
    /// The numbers of all its tasks. They lag behind the latest changes by moments.
    fn numbers(&self, space: SpaceId) -> impl Future<Output = Result<Numbers, PortError>> + Send;
}

/// Creates tasks.
pub trait TaskCreation: TaskReads + Profiles + Quotas + IdempotencyRecords {
    /// A profile, and the numbers of a space, in one call.
    fn user_and_numbers(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> impl Future<Output = Result<(Option<User>, Numbers), PortError>> + Send;

    /// Stores a new task, together with the record of its idempotency key and the notice that tells of it: all
    /// or nothing. An older record that has expired when this one is made does not count.
    fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notice: Option<&Notice>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;
}

/// Changes tasks.
pub trait TaskChanges: TaskReads + Quotas {
    /// The task, a profile, and the numbers of that user's personal space, in one call.
    fn task_user_and_numbers(
        &self,
        task: TaskId,
        user: UserId,
    ) -> impl Future<Output = Result<(Option<Task>, Option<User>, Numbers), PortError>> + Send;

    /// Stores a task if the stored one still has the version `expected`, with all that goes alongside it.
    fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: Alongside<'_>,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;

    /// The task as it is now (a consistent read), and whether there are comments on it.
    fn task_and_comments(
        &self,
        id: TaskId,
    ) -> impl Future<Output = Result<(Option<Task>, bool), PortError>> + Send;

    /// Deletes a task if it still has the version `expected`, together with a record as in [`Alongside`], and
    /// then its comments, if it has any. One that is gone already counts as deleted.
    fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
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
