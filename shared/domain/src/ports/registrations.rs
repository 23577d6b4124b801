//! Registrations, and the invitations that allow them.

use std::future::Future;

use jiff::Timestamp;

use super::{Credentials, PortError};
use crate::{
    credential::Credential, id::UserId, notification::Notification,
    registration::RegistrationInvitation, user::User,
};

/// The result of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The account and its personal space were created.
    Done,
    /// Another account has the address, or it is reserved for its previous owner.
    EmailTaken,
}

/// Creates accounts.
pub trait Registrations: Credentials {
    /// Stores the profile, its credential under the canonical address, the personal space and a notification in one
    /// transaction.
    fn register(
        &self,
        user: &User,
        credential: &Credential,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Registered, PortError>> + Send;

    /// Who has invited the address with this hash, by invitations into any space or to register that are still open: an
    /// operator first, the others in no order. At most `max` invitations are read. Strongly consistent.
    fn inviters(
        &self,
        address_hash: &str,
        now: Timestamp,
        max: usize,
    ) -> impl Future<Output = Result<Vec<UserId>, PortError>> + Send;
}

/// Invites addresses to register.
pub trait RegistrationInvitations: Credentials {
    /// The latest invitation of the address with this hash by an operator, also if it has expired.
    fn registration_invitation(
        &self,
        address_hash: &str,
    ) -> impl Future<Output = Result<Option<RegistrationInvitation>, PortError>> + Send;

    /// Deletes the invitation of the address with this hash by an operator. A missing one is not an error.
    fn revoke_registration(
        &self,
        address_hash: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Stores an invitation, which replaces the previous one of the address, and the notification that carries it in one
    /// transaction.
    fn invite_to_register(
        &self,
        invitation: &RegistrationInvitation,
        notification: &Notification,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
