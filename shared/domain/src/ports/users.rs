//! Profiles of accounts.

use std::future::Future;

use super::{PortError, Replaced};
use crate::{
    credential::Credential,
    id::UserId,
    notification::Notification,
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

/// The result of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The account and its personal space were created.
    Done,
    /// Another account has the address.
    EmailTaken,
}

/// Creates accounts.
pub trait Registrations: Send + Sync {
    /// Stores the profile, its credential under the canonical address, the personal space and a notification in one
    /// transaction.
    fn register(
        &self,
        user: &User,
        credential: &Credential,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Registered, PortError>> + Send;
}
