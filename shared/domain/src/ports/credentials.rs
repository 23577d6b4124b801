//! Passwords and one-time codes.

use std::future::Future;

use super::PortError;
use crate::{credential::Credential, email::EmailAddress, notification::Notification, user::User};

/// Reads passwords.
pub trait Credentials: Send + Sync {
    /// The credential under the canonical form of an address, or `None`. Also that of a reservation for the previous owner of
    /// the address, whose hash matches no password.
    fn credential(
        &self,
        email: &EmailAddress,
    ) -> impl Future<Output = Result<Option<Credential>, PortError>> + Send;
}

/// The use of a one-time code, with its effect.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The notification that carried the code, with the secret removed and the version increased by one.
    pub code: &'a Notification,
    /// The changed account, with the version increased by one.
    pub user: &'a User,
    /// The new password, if the code sets one.
    pub credential: Option<&'a Credential>,
}

/// Redeems one-time codes.
pub trait Redemptions: Send + Sync {
    /// Stores all of it in one transaction, if the notification and the account still have the versions that were read, and
    /// the credential under the account's address belongs to the account. Returns whether it was stored.
    fn redeem(
        &self,
        redemption: Redemption<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
