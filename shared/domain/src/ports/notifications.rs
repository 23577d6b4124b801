//! Notifications.

use std::future::Future;

use super::{Created, IdempotencyRecord, PortError, Replaced};
use crate::{id::NotificationId, invitation::Invitation, notification::Notification};

/// Stores notifications.
pub trait Notifications: Send + Sync {
    /// A notification, or `None`. Strongly consistent.
    fn notification(
        &self,
        id: NotificationId,
    ) -> impl Future<Output = Result<Option<Notification>, PortError>> + Send;

    /// Stores a new notification and its idempotency record in one transaction.
    fn add_notification(
        &self,
        notification: &Notification,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;

    /// Stores a notification if the stored one still has the version `expected`.
    fn replace_notification(
        &self,
        notification: &Notification,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Notification>, PortError>> + Send;

    /// Sets the secret of an invitation if the same notification still carries it. Returns whether it was set.
    fn set_invitation_secret(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
