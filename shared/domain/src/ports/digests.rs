//! Daily digests.

use std::future::Future;

use super::{PortError, Replaced};
use crate::{digest::Digest, id::UserId, notification::Notification};

/// Stores digests.
pub trait Digests: Send + Sync {
    /// The digest of a user, or `None`. Strongly consistent.
    fn digest(&self, user: UserId) -> impl Future<Output = Result<Option<Digest>, PortError>> + Send;

    /// Stores a digest if the stored one still has the version `expected`, in one transaction with the notification that
    /// carries the mail of a day.
    fn replace_digest(
        &self,
        digest: &Digest,
        expected: u64,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Replaced<Digest>, PortError>> + Send;
}
