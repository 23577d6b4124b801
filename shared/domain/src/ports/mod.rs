//! What the rules need from storage, queues and mail. Each trait corresponds to a permission, so a function's signature
//! shows what the function may do. Each method is one access pattern.

mod account_changes;
mod account_deletions;
mod api_tokens;
mod comments;
mod credentials;
mod digests;
mod feeds;
mod idempotency;
mod imports;
mod live;
mod mail;
mod notifications;
mod rate_limits;
mod registrations;
mod second_factors;
mod sessions;
mod signing_keys;
mod spaces;
mod statistics;
mod tasks;
mod timers;
mod users;

pub use account_changes::*;
pub use account_deletions::*;
pub use api_tokens::*;
pub use comments::*;
pub use credentials::*;
pub use digests::*;
pub use feeds::*;
pub use idempotency::*;
pub use imports::*;
pub use live::*;
pub use mail::*;
pub use notifications::*;
pub use rate_limits::*;
pub use registrations::*;
pub use second_factors::*;
pub use sessions::*;
pub use signing_keys::*;
pub use spaces::*;
pub use statistics::*;
pub use tasks::*;
pub use timers::*;
pub use users::*;

/// A failed call of a port. A client can only try again.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {source}")]
pub struct PortError {
    /// The operation, for the log.
    pub operation: &'static str,
    /// Whether the same call can succeed later.
    pub transient: bool,
    /// The cause, for the log. It contains no user data.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl PortError {
    /// Whether only this item failed: calls for other items can succeed, but a retry for this one cannot.
    pub fn is_about_item(&self) -> bool {
        self.source.is::<UnusableItem>()
    }
}

/// The cause of an error about a single item: the item cannot be read, or the store rejects it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableItem(pub String);

/// The result of storing a changed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced<T> {
    /// It was stored.
    Stored,
    /// It was not stored, because the stored version is another one: this one, or `None` if it was deleted.
    Conflict(Option<Box<T>>),
}
