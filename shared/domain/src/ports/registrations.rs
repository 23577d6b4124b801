//! Registrations, and the invitations that allow them.

use std::future::Future;

use jiff::Timestamp;

use super::{Credentials, PortError};
use crate::{
    credential::Credential, notification::Notification, registration::RegistrationInvitation,
    user::User,
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

    /// Whether the address with this hash has an open invitation, into any space or by an operator. Strongly consistent.
    fn is_invited(
        &self,
        address_hash: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// Invites addresses to register.
pub trait RegistrationInvitations: Credentials {
    /// The latest invitation of the address with this hash by an operator, also if it has expired.
    fn registration_invitation(
        &self,
        address_hash: &str,
    ) -> impl Future<Output = Result<Option<RegistrationInvitation>, PortError>> + Send;

    /// Stores an invitation, which replaces the previous one of the address, and the notification that carries it in one
    /// transaction.
    fn invite_to_register(
        &self,
        invitation: &RegistrationInvitation,
        notification: &Notification,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
