//! Sessions.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::{
    credential::{CheckedPassword, Session},
    id::{SessionId, UserId},
};

/// The result of exchanging a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The new token is valid.
    Done,
    /// The session exists, and the token was exchanged and cannot be exchanged again.
    Reused,
    /// The session does not exist or has expired, or the token never belonged to it.
    Unknown,
}

/// Stores sessions.
pub trait Sessions: Send + Sync {
    /// Stores a new session, together with the new hash of the password if there is one and the second factor that has
    /// accepted a code, if the verified password is still that of the account and the factor has the version that was read.
    /// Without a factor, the account must have no confirmed one. Returns whether it was stored.
    fn open_session(
        &self,
        session: &Session,
        checked: CheckedPassword<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Whether a session exists and has not expired at `now`. Strongly consistent.
    fn has_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Replaces the latest token of a session and the day of its last use, if `presented` is its hash and the session has not
    /// expired at `now`. `presented` becomes the previous token. Until the time in [`PreviousToken`](crate::credential::PreviousToken), an exchange whose response
    /// was lost can be repeated: it replaces the latest token again.
    fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Rotated, PortError>> + Send;

    /// The most recently opened sessions of a user, at most `limit`, the latest first. Expired ones may be included.
    /// Strongly consistent.
    fn sessions(
        &self,
        user: UserId,
        limit: u8,
    ) -> impl Future<Output = Result<Vec<Session>, PortError>> + Send;

    /// Closes all sessions of a user but one.
    fn close_other_sessions(
        &self,
        user: UserId,
        kept: SessionId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Closes a session. A missing session is not an error.
    fn close_session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
