//! The deletion of accounts.
//!
//! A profile and its password are deleted at once, and with them everything that looks up the account: log-ins, tokens, mails.
//! The rest is deleted afterwards, in steps that can be repeated, until nothing can have been added by a request that was
//! running when the account was deleted.

use jiff::{SignedDuration, Timestamp};

use crate::id::UserId;

/// How long after the deletion of the profile the last run begins: longer than any function runs that serves a request or
/// sends a mail, even if clocks are some minutes wrong.
pub const LAST_RUN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// How long a deletion may take before an operator has to look at it. Even one of several 100,000 tasks is faster.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// A deletion that has not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountDeletion {
    /// The user.
    pub user: UserId,
    /// When the profile was deleted.
    pub deleted_at: Timestamp,
}

impl AccountDeletion {
    /// Whether a run that begins at `now` is the last one.
    pub fn is_last_run(&self, now: Timestamp) -> bool {
        now >= self.deleted_at + LAST_RUN_AFTER
    }

    /// Whether the deletion should have finished long ago.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now >= self.deleted_at + OVERDUE_AFTER
    }
}
