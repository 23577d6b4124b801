//! Spaces, their members, and invitations into them.

use std::future::Future;

use super::{Created, IdempotencyRecord, IdempotencyRecords, PortError, Profiles, Replaced};
use crate::{
    id::{SpaceId, UserId},
    invitation::{Invitation, InvitationBook},
    membership::MemberChange,
    notification::Notification,
    space::{self, Member, Role, Space},
    user::User,
};

/// Reads memberships.
pub trait Memberships: Send + Sync {
    /// The role of a user in a shared space. `None` if the user is not a member, or the space was deleted or is being
    /// deleted. Strongly consistent.
    fn role(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<Role>, PortError>> + Send;

    /// The ids of the shared spaces of a user, those that are being deleted included. Strongly consistent.
    fn space_ids(&self, user: UserId) -> impl Future<Output = Result<Vec<SpaceId>, PortError>> + Send;

    /// The shared spaces of a user, each with their role.
    fn spaces_of(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Vec<(Space, Role)>, PortError>> + Send;
}

/// Reads spaces.
pub trait SpaceReads: Memberships + Profiles {
    /// A space and a member of it, also while the space is being deleted. `None` if the user is not a member.
    fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<(Space, Member)>, PortError>> + Send;

    /// All members of a space with their profiles.
    fn members(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Vec<(Member, User)>, PortError>> + Send;

    /// A shared space and its members. `None` for a personal space, and if the space was deleted or is being deleted.
    fn space_and_members(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Option<(Space, Vec<Member>)>, PortError>> + Send;

    /// A space, also while it is being deleted.
    fn space(&self, id: SpaceId) -> impl Future<Output = Result<Option<Space>, PortError>> + Send;

    /// All stored invitations into a space, expired ones included.
    fn invitations(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Vec<Invitation>, PortError>> + Send;

    /// The invitation of the address with this hash into a space.
    fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<Option<Invitation>, PortError>> + Send;
}

/// Changes spaces, their members and invitations.
pub trait SpaceChanges: SpaceReads + IdempotencyRecords {
    /// How many spaces a user is a member of. Strongly consistent.
    fn memberships(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<space::Memberships, PortError>> + Send;

    /// Stores a new space, its first owner and the idempotency record in one transaction. Returns `None` if `memberships`
    /// is given and is not the current version of the owner's memberships.
    fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        memberships: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Option<Created>, PortError>> + Send;

    /// Stores a space if the stored one still has the version `expected`.
    fn replace_space(
        &self,
        space: &Space,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Space>, PortError>> + Send;

    /// Stores a change of the members together with the changed space, if the stored space still has the version `expected`
    /// and the stored member or invitation is the one in the change. Returns whether it was stored.
    fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Stores an invitation, the notification that carries it and the idempotency record in one transaction. Replaces the
    /// previous invitation of the address. Returns `None` if `book` is given and is not the current version of
    /// [`Self::invitation_book`].
    fn invite(
        &self,
        invitation: &Invitation,
        notification: &Notification,
        book: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Option<Created>, PortError>> + Send;

    /// The invitations of a space, for an invitation of the address with this hash. Strongly consistent.
    fn invitation_book(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<InvitationBook, PortError>> + Send;

    /// Deletes the invitation of the address with this hash. A missing invitation is not an error.
    fn revoke(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes the contents of a space that is being deleted, then the space. It can be interrupted at any point and
    /// repeated.
    fn purge_space(&self, space: SpaceId) -> impl Future<Output = Result<(), PortError>> + Send;
}
