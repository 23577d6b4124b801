//! Spaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    id::{SpaceId, UserId},
    space::Space,
    text::SpaceName,
    unknown::Unknown,
};

use super::{InvalidAttribute, unknown};

/// A personal space. It has no name, and no members besides its owner.
#[derive(Serialize)]
pub(in crate::dynamodb) struct PersonalSpaceItem {
    pub(in crate::dynamodb) owner: UserId,
    pub(in crate::dynamodb) created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct SpaceItem {
    id: SpaceId,
    name: String,
    #[serde(rename = "owners")]
    owner_count: u32,
    #[serde(rename = "members")]
    member_count: u32,
    #[serde(default)]
    deleting: bool,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Space> for SpaceItem {
    fn from(space: &Space) -> Self {
        Self {
            id: space.id,
            name: space.name.as_str().to_owned(),
            owner_count: space.owner_count,
            member_count: space.member_count,
            deleting: space.deleting,
            version: space.version,
            created_at: space.created_at,
            updated_at: space.updated_at,
            unknown: space.unknown.clone(),
        }
    }
}

impl TryFrom<SpaceItem> for Space {
    type Error = InvalidAttribute;

    fn try_from(item: SpaceItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            id: item.id,
            name: SpaceName::parse_trusted(&item.name)?,
            owner_count: item.owner_count,
            member_count: item.member_count,
            deleting: item.deleting,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}
