//! Deletions of accounts.

use std::future::Future;

use super::PortError;
use crate::{account_deletion::AccountDeletion, email::EmailAddress, id::UserId, user::User};

/// Deletes accounts.
pub trait AccountDeletions: Send + Sync {
    /// Deletes a profile, its credential, those of its `previous` addresses that are still reserved for it, and the item of
    /// its personal space, so that no task moves in or out any more, and records the deletion. All in one transaction, if the
    /// profile still has the version of `user`. Returns whether it was deleted.
    fn delete_account(
        &self,
        user: &User,
        previous: &[EmailAddress],
        deletion: AccountDeletion,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// The deletions that have not finished. Strongly consistent.
    fn unfinished_deletions(
        &self,
    ) -> impl Future<Output = Result<Vec<AccountDeletion>, PortError>> + Send;

    /// Deletes what belongs to a user and to no space: API tokens with the notices of their expiry, the second factor, the digest, and the statistics of the personal space. It
    /// can be repeated.
    fn delete_items_of(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes the record of a deletion. That it is missing is not an error.
    fn finish_deletion(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;
}
