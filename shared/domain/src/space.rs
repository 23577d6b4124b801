//! Spaces: sets of tasks that several users share.

use jiff::Timestamp;

use crate::{
    id::{SpaceId, UserId},
    string_enum::string_enum,
    text::SpaceName,
    unknown::Unknown,
};

/// The maximum number of members of a space.
pub const MAX_MEMBERS: u32 = 100;

/// The maximum number of shared spaces that a user can be a member of.
pub const MAX_SPACES: usize = 50;

string_enum!(Role, "What a member may do in a space. Each role includes all lower ones.",
    Viewer = "viewer": "Read its tasks.",
    Member = "member": "Change its tasks.",
    Admin = "admin": "Manage its name and its members.",
    Owner = "owner": "Manage its owners, and delete it.",
);

/// A shared space. Personal spaces are not stored: they have one member and never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its id.
    pub id: SpaceId,
    /// Its name.
    pub name: SpaceName,
    /// The number of owners: at least one.
    pub owner_count: u32,
    /// The number of members, owners included.
    pub member_count: u32,
    /// Whether it is being deleted. It is hidden from all members; its owners can repeat the deletion.
    pub deleting: bool,
    /// The number of changes of the space and its members.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

/// A member of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The space.
    pub space: SpaceId,
    /// The user.
    pub user: UserId,
    /// The user's role in the space.
    pub role: Role,
    /// When the user joined.
    pub joined_at: Timestamp,
}

/// How many shared spaces a user is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memberships {
    /// The number of spaces, those that are being deleted included.
    pub spaces: usize,
    /// The number of spaces that the user has ever created or joined.
    pub version: u64,
}

impl Space {
    /// A new space and its first owner.
    pub fn create(id: SpaceId, name: SpaceName, owner: UserId, now: Timestamp) -> (Self, Member) {
        let space = Self {
            id,
            name,
            owner_count: 1,
            member_count: 1,
            deleting: false,
            version: 1,
            created_at: now,
            updated_at: now,
            unknown: Unknown::default(),
        };
        (space, Member { space: id, user: owner, role: Role::Owner, joined_at: now })
    }

    /// Changes the name. Returns whether the space changed; then its version increased by one.
    pub fn rename(&mut self, name: SpaceName, now: Timestamp) -> bool {
        let changed = self.name != name;
        if changed {
            self.name = name;
            self.touch(now);
        }
        changed
    }

    /// Whether a member with this role is its only owner.
    pub fn is_last_owner(&self, role: Role) -> bool {
        role == Role::Owner && self.owner_count <= 1
    }

    /// Hides the space from all members, before its contents are deleted.
    pub fn begin_deletion(&mut self, now: Timestamp) {
        self.deleting = true;
        self.touch(now);
    }

    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = now;
    }
}
