//! The stored form of each entity, one file per entity. Stored forms are separate from the domain's types, so that either
//! can change alone. Stored names are those of the first release. What is read passes the domain's validation.

mod account_event;
mod api_token;
mod comment;
mod contribution;
mod counter_group;
mod credential;
mod delivery;
mod digest;
mod feed;
mod idempotency;
mod invitation;
mod live;
mod member;
mod notification;
mod profile;
mod reminder;
mod second_factor;
mod session;
mod space;
mod task;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Deserializer};
use taskbell_domain::{ports::PortError, unknown::Unknown, violation::Violation};

pub(super) use api_token::ApiTokenItem;
pub(super) use comment::CommentItem;
pub(super) use contribution::ContributionItem;
pub(super) use counter_group::counters;
pub(super) use credential::CredentialItem;
pub(super) use digest::DigestItem;
pub(super) use feed::{FeedHeadItem, FeedItem};
pub(super) use idempotency::IdempotencyItem;
pub(super) use invitation::{
    INVITED_BY, InvitationItem, RegistrationInvitationItem, expires_at, invited_at, invited_item,
    inviter, pointer_item,
};
pub(super) use live::{ConnectedUserItem, ConnectionsItem};
pub(super) use member::MemberItem;
pub(super) use notification::NotificationItem;
pub(super) use profile::{AccountStateItem, UserItem};
pub(super) use second_factor::SecondFactorItem;
pub(super) use session::{SessionItem, is_active};
pub(super) use space::{PersonalSpaceItem, SpaceItem};
pub(super) use task::{ListedTaskItem, TaskItem};

use super::{Item, Key, keys};
use crate::error::{corrupt, invalid_request};

/// A stored form that can be serialized. Implemented for concrete types, for the reason given in
/// [`crate::send_boxed`].
pub(super) trait ToItem {
    fn to_item(&self) -> serde_dynamo::Result<Item>;
}

/// A stored form that can be deserialized, likewise.
pub(super) trait FromItem: Sized {
    fn from_item(item: Item) -> serde_dynamo::Result<Self>;
}

macro_rules! to_item {
    ($($form:ty),* $(,)?) => {$(
        impl ToItem for $form {
            #[inline(never)]
            fn to_item(&self) -> serde_dynamo::Result<Item> {
                serde_dynamo::to_item(self)
            }
        }
    )*};
}

macro_rules! from_item {
    ($($form:ty),* $(,)?) => {$(
        impl FromItem for $form {
            #[inline(never)]
            fn from_item(item: Item) -> serde_dynamo::Result<Self> {
                serde_dynamo::from_item(item)
            }
        }
    )*};
}

to_item! {
    ApiTokenItem, CommentItem, ConnectedUserItem, ConnectionsItem, ContributionItem, CredentialItem, DigestItem, FeedHeadItem, FeedItem, IdempotencyItem, InvitationItem,
    MemberItem, NotificationItem, PersonalSpaceItem, RegistrationInvitationItem, SecondFactorItem, SessionItem, SpaceItem, TaskItem, UserItem,
}

from_item! {
    AccountStateItem, ApiTokenItem, CommentItem, ConnectedUserItem, ConnectionsItem, ContributionItem, CredentialItem, DigestItem, FeedHeadItem, FeedItem, IdempotencyItem,
    InvitationItem, ListedTaskItem, MemberItem, NotificationItem, RegistrationInvitationItem, SecondFactorItem, SessionItem, SpaceItem, TaskItem, UserItem,
}

/// Serializes a stored form and adds its key and format.
pub(super) fn build_item<T: ToItem>(
    operation: &'static str,
    key: Key,
    form: &T,
) -> Result<Item, PortError> {
    let mut item = form.to_item().map_err(|e| invalid_request(operation, e))?;
    item.extend(key_item(key));
    Ok(item)
}

/// An item with a key and the current format, and nothing else.
pub(super) fn key_item(key: Key) -> Item {
    let mut item = super::key_attributes(key);
    item.insert(keys::FORMAT.to_owned(), format_attribute());
    item
}

/// The current format, [`keys::FORMAT_NUMBER`].
pub(super) fn format_attribute() -> AttributeValue {
    super::number(keys::FORMAT_NUMBER)
}

/// Attributes that every write sets and that are no field of a stored form.
const WRITTEN_ATTRIBUTES: [&str; 5] =
    [keys::PK, keys::SK, keys::FORMAT, keys::BY_EMAIL.partition, keys::BY_EMAIL.sort];

/// Collects the attributes that no other field takes. For the last flattened field of a stored form, so that a write keeps
/// what a later version has stored.
fn unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unknown, D::Error> {
    Unknown::deserialize(deserializer).map(|all| all.without(&WRITTEN_ATTRIBUTES))
}

/// Parses an item into a domain type.
///
/// # Errors
/// [`PortError`] if the item is not what this program stores; see [`PortError::is_about_item`].
pub(super) fn parse_item<S, D>(operation: &'static str, item: Item) -> Result<D, PortError>
where
    S: FromItem + TryInto<D, Error = InvalidAttribute>,
{
    let form = S::from_item(item).map_err(|e| corrupt(operation, e))?;
    form.try_into().map_err(|e| corrupt(operation, e.0))
}

/// A stored value that fails the domain's validation: the code of the violation, or the attribute.
pub(super) struct InvalidAttribute(String);

impl From<Violation> for InvalidAttribute {
    fn from(violation: Violation) -> Self {
        Self(violation.code.to_owned())
    }
}

impl From<&str> for InvalidAttribute {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}
