//! Items as they are stored. They are apart from the domain's types, so that either can change alone; what
//! is read back passes the same checks as what a person types.

mod accounts;
mod delivery;
mod digests;
mod spaces;
mod statistics;
mod tasks;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Deserializer};
use taskbell_domain::{ports::PortError, unknown::Unknown, violation::Violation};

pub(super) use accounts::{CredentialItem, SessionItem, UserItem};
pub(super) use digests::DigestItem;
pub(super) use spaces::{InvitationItem, MemberItem, NotificationItem, PersonalSpaceItem, SpaceItem};
pub(super) use statistics::{ContributionItem, numbers};

pub(super) use tasks::{CommentItem, IdempotencyItem, TaskItem};

use super::{Item, keys};
use crate::error::{corrupt, unbuildable};

/// A form that is stored as an item. It is written here, for the reason given in [`crate::sent`].
pub(super) trait ToItem {
    fn to_item(&self) -> serde_dynamo::Result<Item>;
}

/// A form that an item is read into, here for the same reason.
pub(super) trait FromItem: Sized {
    fn from_item(item: Item) -> serde_dynamo::Result<Self>;
}

macro_rules! written {
    ($($form:ty),* $(,)?) => {$(
        impl ToItem for $form {
            #[inline(never)]
            fn to_item(&self) -> serde_dynamo::Result<Item> {
                serde_dynamo::to_item(self)
            }
        }
    )*};
}

macro_rules! read {
    ($($form:ty),* $(,)?) => {$(
        impl FromItem for $form {
            #[inline(never)]
            fn from_item(item: Item) -> serde_dynamo::Result<Self> {
                serde_dynamo::from_item(item)
            }
        }
    )*};
}

written! {
    CommentItem, ContributionItem, CredentialItem, DigestItem, IdempotencyItem, InvitationItem, MemberItem,
    NotificationItem, PersonalSpaceItem, SessionItem, SpaceItem, TaskItem, UserItem,
}

read! {
    CommentItem, ContributionItem, CredentialItem, DigestItem, IdempotencyItem, InvitationItem, MemberItem,
    NotificationItem, SpaceItem, TaskItem, UserItem,
}

/// Turns a stored form into an item with its key.
pub(super) fn item<T: ToItem>(
    operation: &'static str,
    place: (String, String),
    stored: &T,
) -> Result<Item, PortError> {
    let mut item = stored.to_item().map_err(|e| unbuildable(operation, e))?;
    item.extend(bare(place));
    Ok(item)
}

/// An item with nothing but its key, and the format in which this version of the program stores items.
pub(super) fn bare(place: (String, String)) -> Item {
    let mut item = super::key(place);
    item.insert(keys::FORMAT.to_owned(), format());
    item
}

/// The format, as it is stored.
pub(super) fn format() -> AttributeValue {
    super::number(keys::FORMAT_NUMBER)
}

/// Attributes that are written anew with every item, and no field of it.
const REWRITTEN: [&str; 5] =
    [keys::PK, keys::SK, keys::FORMAT, keys::BY_EMAIL.partition, keys::BY_EMAIL.sort];

/// Reads the attributes that no field of an item has taken: to be the last of its flattened fields.
fn unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unknown, D::Error> {
    Unknown::deserialize(deserializer).map(|all| all.without(&REWRITTEN))
}

/// Reads an item back into the domain.
pub(super) fn read<S, D>(operation: &'static str, item: Item) -> Result<D, PortError>
where
    S: FromItem + TryInto<D, Error = Unreadable>,
{
    let stored = S::from_item(item).map_err(|e| corrupt(operation, e))?;
    stored.try_into().map_err(|e| corrupt(operation, e.0))
}

/// A stored value that fails the domain's checks.
pub(super) struct Unreadable(String);

impl From<Violation> for Unreadable {
    fn from(violation: Violation) -> Self {
        Self(violation.code.to_owned())
    }
}

impl From<&str> for Unreadable {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}
