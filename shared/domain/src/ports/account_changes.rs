//! Changes of passwords and addresses.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::{credential::Session, email::EmailAddress, notification::Notification, user::User};

/// A change of the password by its owner.
#[derive(Clone, Copy)]
pub struct PasswordChange<'a> {
    /// The changed account, with the version increased by one.
    pub user: &'a User,
    /// The stored hash that the present password was verified against.
    pub verified_hash: &'a str,
    /// The hash of the new password.
    pub hash: &'a str,
    /// The session that replaces all others.
    pub session: &'a Session,
    /// The mail about the change.
    pub notification: &'a Notification,
}

/// Changes passwords.
pub trait PasswordChanges: Send + Sync {
    /// Stores all of it in one transaction, if the account still has the version that was read, and the credential under
    /// its address the hash that was verified. Returns whether it was stored. Does not close other sessions.
    fn change_password(
        &self,
        change: PasswordChange<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// A change of the address by its owner.
#[derive(Clone, Copy)]
pub struct EmailChange<'a> {
    /// The notification that carried the code, with the secret removed and the version increased by one.
    pub code: &'a Notification,
    /// The account with its new address, changed now, with the version increased by one.
    pub user: &'a User,
    /// The previous address.
    pub previous: &'a EmailAddress,
    /// The hash of the password, as it is stored under the previous address.
    pub hash: &'a str,
    /// A hash that no password matches, for the reservation of the previous address.
    pub locked_hash: &'a str,
    /// How long nobody else can register the previous address.
    pub reserved_until: Timestamp,
    /// The mail with the code that undoes the change, if one is sent.
    pub undo: Option<&'a Notification>,
}

/// The result of a change of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailChanged {
    /// All of it was stored.
    Done,
    /// Nothing was stored: another account has the new address, or has reserved it.
    EmailTaken,
    /// Nothing was stored: the account, its password or the code has changed.
    Conflict,
}

/// The restoration of a previous address.
#[derive(Clone, Copy)]
pub struct EmailRestoration<'a> {
    /// The notification that carried the code, with the secret removed and the version increased by one.
    pub code: &'a Notification,
    /// The account with the restored address, with the version increased by one.
    pub user: &'a User,
    /// The address that the account had.
    pub replaced: &'a EmailAddress,
    /// A hash that no password matches, which becomes that of the account.
    pub locked_hash: &'a str,
}

/// Changes addresses.
pub trait EmailChanges: Send + Sync {
    /// Stores all of it in one transaction: the password under the new address, and a reservation under the previous one,
    /// unless both have the same canonical form. The new address must be free, or reserved for this account; a reservation
    /// that has expired when the account changes is free.
    fn change_email(
        &self,
        change: EmailChange<'_>,
    ) -> impl Future<Output = Result<EmailChanged, PortError>> + Send;

    /// Stores all of it in one transaction, if the restored address is still reserved for the account, or its own. The
    /// replaced address becomes free. Returns whether it was stored.
    fn restore_email(
        &self,
        restoration: EmailRestoration<'_>,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
