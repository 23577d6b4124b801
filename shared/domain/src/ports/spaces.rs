//! Spaces, and who is in them.

use std::future::Future;

use crate::{
    id::{SpaceId, UserId},
    notification::Notification,
    space::{self, Invitation, InvitationBook, Member, MemberChange, Role, Space},
    user::User,
};

use super::{Created, IdempotencyRecord, IdempotencyRecords, PortError, Profiles, Replaced};

/// Knows who is in which space.
pub trait Memberships: Send + Sync {
    /// What a user may do in a shared space, as it is now (a consistent read); nothing if they are no member,
    /// or the space is gone or being deleted.
    fn role(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<Role>, PortError>> + Send;

    /// The shared spaces that a user is a member of, each with their role there.
    fn spaces_of(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Vec<(Space, Role)>, PortError>> + Send;
}

/// Reads spaces.
pub trait SpaceReads: Memberships + Profiles {
    /// The space, also while it is being deleted, and what a user may do there. Nothing for one who is no
    /// member.
    fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<(Space, Member)>, PortError>> + Send;

    /// All members of a space, each with their profile.
    fn members(
        &self,
        space: SpaceId,
    ) -> impl Future<Output = Result<Vec<(Member, User)>, PortError>> + Send;

    /// The space, also while it is being deleted.
    fn space(&self, id: SpaceId) -> impl Future<Output = Result<Option<Space>, PortError>> + Send;

    /// All invitations into a space, also those that count no more and are not deleted yet.
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

/// Changes spaces and who is in them.
pub trait SpaceChanges: SpaceReads + IdempotencyRecords {
    /// How many spaces a user is in (a consistent read).
    fn memberships(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<space::Memberships, PortError>> + Send;

    /// Stores a new space with its first owner, and the record of its idempotency key: all or nothing. Nothing if a
    /// version of the owner's memberships is given that is not the present one.
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

    /// Changes who is in a space, together with the space that has counted it, if the stored space still has
    /// the version `expected` and the member, or the invitation, is still what the change says. Returns
    /// whether it was so.
    fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Stores an invitation in the place of an older one for the same address, together with the notification that
    /// carries it, and the record of its idempotency key. Nothing if a version of the space's invitations is given
    /// that is not the present one.
    fn invite(
        &self,
        invitation: &Invitation,
        notification: &Notification,
        book: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Option<Created>, PortError>> + Send;

    /// What is known before the address with this hash is invited into a space (a consistent read).
    fn invitation_book(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<InvitationBook, PortError>> + Send;

    /// Takes back the invitation of the address with this hash. That there is none is no error.
    fn revoke(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes all that is in a space that is being deleted, and in the end the space. Its caller may give up waiting
    /// at any point, and let it go on later: what is gone by then is gone, and nothing is out of reach.
    fn purge_space(&self, space: SpaceId) -> impl Future<Output = Result<(), PortError>> + Send;
}
