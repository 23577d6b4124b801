//! Invitations, and the item that limits how often an address is invited.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    email::EmailAddress,
    id::{NotificationId, SpaceId, UserId},
    invitation::{INVITATION_PAUSE, Invitation},
    registration::RegistrationInvitation,
    space::Role,
};

use super::{InvalidAttribute, key_item};
use crate::dynamodb::{Item, keys, number, text};

/// The attribute with the time of an address's last invitation, in seconds since 1970.
const INVITED_AT: &str = "invited_at";

/// The attribute with the user who has invited the address.
pub(in crate::dynamodb) const INVITED_BY: &str = "invited_by";

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct InvitationItem {
    space: SpaceId,
    email: String,
    #[serde(rename = "invited_as")]
    role: String,
    invited_by: UserId,
    #[serde(rename = "notice")]
    notification: NotificationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_hash: Option<String>,
    created_at: i64,
    expires_at: i64,
}

impl From<&Invitation> for InvitationItem {
    fn from(invitation: &Invitation) -> Self {
        Self {
            space: invitation.space,
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.as_str().to_owned(),
            invited_by: invitation.invited_by,
            notification: invitation.notification,
            secret_hash: invitation.secret_hash.clone(),
            created_at: invitation.created_at.as_second(),
            expires_at: invitation.expires_at.as_second(),
        }
    }
}

impl TryFrom<InvitationItem> for Invitation {
    type Error = InvalidAttribute;

    fn try_from(item: InvitationItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            space: item.space,
            email: EmailAddress::parse_trusted(&item.email)?,
            role: Role::parse(&item.role)?,
            invited_by: item.invited_by,
            notification: item.notification,
            secret_hash: item.secret_hash,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
        })
    }
}

/// The item that records when an address was last invited into a space. It expires when the address can be invited
/// again.
pub(in crate::dynamodb) fn invited_item(invitation: &Invitation) -> Item {
    let mut item = key_item(keys::invited(invitation.space, &invitation.email.hash()));
    item.insert(INVITED_AT.to_owned(), number(invitation.created_at.as_second()));
    let expires_at = invitation.created_at + INVITATION_PAUSE;
    item.insert(keys::EXPIRES_AT.to_owned(), number(expires_at.as_second()));
    item
}

/// The time in an item of [`invited_item`].
pub(in crate::dynamodb) fn invited_at(item: &Item) -> Option<Timestamp> {
    seconds_of(item, INVITED_AT)
}

/// The pointer from an invited address to the space. It expires with the invitation.
pub(in crate::dynamodb) fn pointer_item(invitation: &Invitation) -> Item {
    let mut item = key_item(keys::invitation_pointer(invitation.space, &invitation.email.hash()));
    item.insert(keys::EXPIRES_AT.to_owned(), number(invitation.expires_at.as_second()));
    item.insert(INVITED_BY.to_owned(), text(invitation.invited_by.to_string()));
    item
}

/// Who has created a pointer or an invitation to register.
pub(in crate::dynamodb) fn inviter(item: &Item) -> Option<UserId> {
    item.get(INVITED_BY)?.as_s().ok()?.parse().ok()
}

/// From when on an item is not valid.
pub(in crate::dynamodb) fn expires_at(item: &Item) -> Option<Timestamp> {
    seconds_of(item, keys::EXPIRES_AT)
}

fn seconds_of(item: &Item, name: &str) -> Option<Timestamp> {
    let seconds = item.get(name)?.as_n().ok()?.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct RegistrationInvitationItem {
    email: String,
    invited_by: UserId,
    created_at: i64,
    expires_at: i64,
}

impl From<&RegistrationInvitation> for RegistrationInvitationItem {
    fn from(invitation: &RegistrationInvitation) -> Self {
        Self {
            email: invitation.email.as_str().to_owned(),
            invited_by: invitation.invited_by,
            created_at: invitation.created_at.as_second(),
            expires_at: invitation.expires_at().as_second(),
        }
    }
}

impl TryFrom<RegistrationInvitationItem> for RegistrationInvitation {
    type Error = InvalidAttribute;

    fn try_from(item: RegistrationInvitationItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            email: EmailAddress::parse_trusted(&item.email)?,
            invited_by: item.invited_by,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
        })
    }
}
