//! Second factors.

use std::future::Future;

use super::PortError;
use crate::{id::UserId, notification::Notification, second_factor::SecondFactor, user::User};

/// Reads second factors.
pub trait SecondFactors: Send + Sync {
    /// The second factor of a user, confirmed or not, or `None`. Strongly consistent.
    fn second_factor(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Option<SecondFactor>, PortError>> + Send;

    /// Stores a factor and new notifications in one transaction, if the stored factor still has the version `expected`;
    /// with `None`, if there is none. Returns whether it was stored.
    fn store_second_factor(
        &self,
        factor: &SecondFactor,
        expected: Option<u64>,
        notifications: &[Notification],
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// The end of a second factor.
#[derive(Clone, Copy)]
pub struct FactorRemoval<'a> {
    /// The factor as it was read.
    pub factor: &'a SecondFactor,
    /// The changed profile, with the version increased by one.
    pub user: &'a User,
    /// The notification that carried the code, with the secret removed and the version increased by one. `None` if the
    /// factor is removed by one of its own codes.
    pub code: Option<&'a Notification>,
    /// The mail about it.
    pub notification: &'a Notification,
}

/// Switches second factors on and off.
pub trait SecondFactorChanges: SecondFactors {
    /// Stores a factor, whose version was increased by one, the changed profile, likewise, and a new notification in one
    /// transaction, if factor and profile have the versions that were read. Returns whether they were stored.
    fn confirm_second_factor(
        &self,
        factor: &SecondFactor,
        user: &User,
        notification: &Notification,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Deletes a factor and stores the rest in one transaction, if factor, profile and code have the versions that were read.
    /// Returns whether it was done.
    fn remove_second_factor(
        &self,
        removal: FactorRemoval<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
