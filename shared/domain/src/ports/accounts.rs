//! Accounts: profiles, credentials, sessions, and what limits them.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    credential::{CheckedPassword, Credential, Session},
    email::EmailAddress,
    id::{SessionId, UserId},
    notification::Notification,
    rate_limit::{RateLimit, RateLimitKey, Usage},
    timer::Timer,
    user::User,
};

use super::{PortError, Replaced};

/// Reads profiles.
pub trait Profiles: Send + Sync {
    /// The profile as it is now (a consistent read), or nothing.
    fn user(&self, id: UserId) -> impl Future<Output = Result<Option<User>, PortError>> + Send;
}

/// Changes profiles.
pub trait ProfileChanges: Profiles {
    /// Stores a profile if the stored one still has the version `expected`, together with the moment at which the
    /// user's digest is made next, if that has changed.
    fn replace_user(
        &self,
        user: &User,
        expected: u64,
        digest: Option<Timer>,
    ) -> impl Future<Output = Result<Replaced<User>, PortError>> + Send;
}

/// A page of accounts, and the last one of it if there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts, by address.
    pub items: Vec<User>,
    /// Behind which the next page prefix: its canonical address and its id.
    pub next: Option<(String, UserId)>,
}

/// Finds accounts by their addresses.
pub trait Directory: Profiles {
    /// The accounts whose canonical address begins so, behind one of them. It may lag behind the latest changes by
    /// a moment.
    fn users(
        &self,
        prefix: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> impl Future<Output = Result<UserPage, PortError>> + Send;
}

/// Manages accounts.
pub trait Accounts: ProfileChanges + Directory {
    /// Ends all sessions of a user.
    fn close_sessions(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Tells what counts requests of the access that a user has.
pub trait AccessChanges: Profiles {
    /// From now on, whoever counts a request of the user under a limit learns what the profile says: whether they are
    /// blocked, and since when their access tokens are valid.
    fn store_access(
        &self,
        user: &User,
        limit: &RateLimit,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// A code that is used up, and what it does, to be stored together.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The notification that carried the code, without the code's secret; one version higher than it was read.
    pub code: &'a Notification,
    /// The account as the code changes it, one version higher than it was read.
    pub user: &'a User,
    /// Another password.
    pub credential: Option<&'a Credential>,
    /// Under which limit requests of the user are counted: whoever counts them learns what the profile says now.
    pub limit: &'a RateLimit,
}

/// Uses up codes.
pub trait Redemptions: Send + Sync {
    /// Stores all of it, if the notification and the account still have the versions that were read, and the credential of
    /// the account's address is the account's. Returns whether it was so.
    fn redeem(
        &self,
        redemption: Redemption<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
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
        notification: Option<&Notification>,
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

/// Knows addresses to which no mail goes, of people who may have no account.
pub trait SuppressedAddresses: Send + Sync {
    /// Lets no more mail go to the address with this hash.
    fn suppress_address(
        &self,
        address_hash: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Whether no mail goes to the address with this hash.
    fn is_suppressed(&self, address_hash: &str)
    -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// What came of exchanging a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The session goes on with the new token.
    Done,
    /// The session is there, and the token was its valid one before: it has been used.
    Reused,
    /// No such session, or it has expired, or the token never was one of its tokens.
    Unknown,
}

/// Keeps sessions.
pub trait Sessions: Send + Sync {
    /// Stores a new session, if the password that was checked is still that of the account; together with the new hash
    /// of it, if there is one. Returns whether it is.
    fn open_session(
        &self,
        session: &Session,
        checked: CheckedPassword<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Whether a session lives at `now` (a consistent read).
    fn has_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

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
pub trait RateLimits: Send + Sync {
    /// Counts so many more for a subject, and tells how many there are in the window of `now`, these included;
    /// nothing if the subject is blocked.
    fn record(
        &self,
        limit: &RateLimit,
        subject: &RateLimitKey,
        more: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Usage>, PortError>> + Send;

    /// Takes one back that was counted for a subject in the window of `now`, and was not done after all.
    fn take_back(
        &self,
        limit: &RateLimit,
        subject: &RateLimitKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Keeps the stack's keys, private halves included.
pub trait SigningKeyStore: Send + Sync {
    /// The keys, decrypted; nothing if there are none.
    fn read(&self) -> impl Future<Output = Result<Option<String>, PortError>> + Send;

    /// Stores keys in place of those that are there.
    fn write(&self, keys: &str) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes the keys. That there are none is no error.
    fn delete(&self) -> impl Future<Output = Result<(), PortError>> + Send;
}
