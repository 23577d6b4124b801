//! Members of spaces.

use taskbell_domain::{
    id::SpaceId,
    membership::MemberChange,
    notification::NotificationKind,
    ports::TimerQueue,
    space::{Member, Role, Space},
    user::User,
};
use taskbell_test::{
    contract::Store,
    fixtures::{notification, now},
};

use super::{World, collaborator, invitation_of};

impl<S: Store, Q: TimerQueue> World<S, Q> {
    /// Makes the collaborator another owner of a space in which they are, so that its owner may leave.
    pub(super) async fn share_ownership(&self, id: SpaceId) {
        let found = self.store.space_and_member(id, collaborator().id).await.expect("an answer");
        let Some((mut space, member)) = found.filter(|(_, member)| member.role != Role::Owner) else {
            return;
        };
        let (read, change) = (space.version, MemberChange::Role(member, Role::Owner));
        space.apply(&change, now()).expect("it can be");
        assert!(self.store.change_member(&space, read, &change).await.expect("an answer"));
    }

    /// Adds a user to a space.
    pub(crate) async fn join(&self, space: &mut Space, user: &User, role: Role) {
        let member = Member { space: space.id, user: user.id, role, joined_at: now() };
        let (_, mut invitation) = invitation_of(user);
        (invitation.space, invitation.role) = (space.id, role);
        let kind = NotificationKind::Invitation { to: user.email.clone(), space: space.id };
        let number = u64::from(space.id.jitter_seed()) * 1_000_000 + space.version * 1_000;
        let carrier = notification(number + u64::from(space.member_count), kind);
        self.store.invite(&invitation, &carrier, None, None).await.expect("an answer");
        let (read, change) = (space.version, MemberChange::Join(member, invitation, None));
        space.apply(&change, now()).expect("there is room");
        assert!(self.store.change_member(space, read, &change).await.expect("an answer"));
    }
}
