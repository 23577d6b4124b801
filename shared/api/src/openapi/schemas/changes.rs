//! Changes since a cursor was issued.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    spaces::{Comment, Space, SpaceRole},
    tasks::Task,
    values::{DateTime, PersonName, SpaceId, UserId},
};

words!(/// Type of an object.
    ObjectType: Task, Comment, Member);

/// What has changed since the cursor was issued: each object once, as it is now.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Tasks that were created or changed.
    #[schema(max_items = 100)]
    pub tasks: Vec<Task>,
    /// Comments that were created or changed.
    #[schema(max_items = 100)]
    pub comments: Vec<Comment>,
    /// Members who joined, or whose role changed.
    #[schema(max_items = 100)]
    pub members: Vec<SpaceMember>,
    /// Spaces that changed, and those in `joined`.
    #[schema(max_items = 150)]
    pub spaces: Vec<Space>,
    /// Objects that do not exist any more. The comments of a removed task are removed with it.
    #[schema(max_items = 100)]
    pub removed: Vec<RemovedObject>,
    /// Spaces that the caller has joined: list their contents. Changes of them follow from now on.
    #[schema(max_items = 50)]
    pub joined: Vec<SpaceId>,
    /// Spaces that the caller is no longer a member of, or that were deleted: forget their contents.
    #[schema(max_items = 51)]
    pub left: Vec<SpaceId>,
    /// For each space of the caller, the number of the last change that the answer covers. Live messages have such numbers.
    pub sequences: BTreeMap<String, u64>,
    /// Cursor for the next request. It can be used again.
    pub next_cursor: String,
    /// Whether there are more changes already.
    pub has_more: bool,
}

/// How to open a WebSocket with live updates.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// URL of the WebSocket, with a ticket that opens one connection.
    #[schema(pattern = "^wss?://")]
    pub url: String,
    /// Seconds until the ticket expires.
    #[schema(minimum = 30, maximum = 30)]
    pub expires_in: u32,
}

/// A member of a space.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceMember {
    /// The space.
    pub space: SpaceId,
    /// Account of the member.
    pub user_id: UserId,
    /// Name of the member.
    pub name: PersonName,
    /// Role of the member in the space.
    pub role: SpaceRole,
    /// When the member joined the space.
    pub joined_at: DateTime,
}

/// An object that does not exist any more.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovedObject {
    /// Type of the object.
    pub r#type: ObjectType,
    /// Identifier of the object; of a member, the account.
    pub id: String,
    /// Space in which it was.
    pub space: SpaceId,
}
