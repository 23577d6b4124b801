//! Profiles of accounts.

use std::future::Future;

use super::{PortError, Replaced};
use crate::{
    id::UserId,
    timer::Timer,
    user::{AccountState, User},
};

/// Reads profiles.
pub trait Profiles: Send + Sync {
    /// A profile, or `None`. Strongly consistent.
    fn user(&self, id: UserId) -> impl Future<Output = Result<Option<User>, PortError>> + Send;
}

/// Changes profiles.
pub trait ProfileChanges: Profiles {
    /// Stores a profile if the stored one still has the version `expected`, together with the next timer of the user's
    /// digest if it changed.
    fn replace_user(
        &self,
        user: &User,
        expected: u64,
        digest: Option<Timer>,
    ) -> impl Future<Output = Result<Replaced<User>, PortError>> + Send;
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts, sorted by address.
    pub items: Vec<User>,
    /// The canonical address and the id of the last account. `None` on the last page.
    pub next: Option<(String, UserId)>,
}

/// Lists accounts by address.
pub trait Directory: Profiles {
    /// The accounts whose canonical address starts with `prefix`, after `after`. The list is eventually consistent.
    fn users(
        &self,
        prefix: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> impl Future<Output = Result<UserPage, PortError>> + Send;
}

/// Manages accounts.
pub trait Accounts: ProfileChanges + Directory {
    /// Closes all sessions of a user.
    fn close_sessions(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Reads whether access tokens of a user are accepted.
pub trait AccountStates: Send + Sync {
    /// The state of an account, or `None` if it does not exist. Strongly consistent.
    fn account_state(
        &self,
        id: UserId,
    ) -> impl Future<Output = Result<Option<AccountState>, PortError>> + Send;
}
