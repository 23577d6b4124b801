//! What the rules need from the outside. Each port is as narrow as the permission behind it, and each of
//! its methods is one access pattern.

mod accounts;
mod delivery;
mod idempotency;
mod spaces;
mod tasks;

pub use accounts::*;
pub use delivery::*;
pub use idempotency::*;
pub use spaces::*;
pub use tasks::*;

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

impl PortError {
    /// Whether the store works and has only not taken, or not understood, this one item: the same item fails again,
    /// another one need not.
    pub fn is_about_item(&self) -> bool {
        self.source.is::<UnusableItem>()
    }
}

/// The source of an error about one item: it cannot be read, or the store does not take it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableItem(pub String);

/// What came of storing something on condition that it is still the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced<T> {
    /// It is stored.
    Stored,
    /// It has changed meanwhile; this is what it is now, or nothing if it is gone.
    Conflict(Option<Box<T>>),
}
