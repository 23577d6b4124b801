//! Spaces, notifications and digests.

use taskbell_domain::{
    digest::Digest,
    id::{NotificationId, SpaceId, UserId},
    invitation::{Invitation, InvitationBook},
    membership::MemberChange,
    notification::Notification,
    ports::*,
    space::{self, Member, Role, Space},
    user::User,
};

use super::{Data, MemoryStore};

impl Memberships for MemoryStore {
    async fn role(&self, space: SpaceId, user: UserId) -> Result<Option<Role>, PortError> {
        let found = self.space_and_member(space, user).await?;
        Ok(found.filter(|(space, _)| !space.deleting).map(|(_, member)| member.role))
    }

    async fn space_ids(&self, user: UserId) -> Result<Vec<SpaceId>, PortError> {
        let data = self.data();
        Ok(data.members.keys().filter(|(_, member)| *member == user).map(|(space, _)| *space).collect())
    }

    async fn spaces_of(&self, user: UserId) -> Result<Vec<(Space, Role)>, PortError> {
        let data = self.data();
        let mine = data.members.values().filter(|member| member.user == user);
        let spaces = mine.filter_map(|m| data.spaces.get(&m.space).map(|s| (s.clone(), m.role)));
        Ok(spaces.filter(|(space, _)| !space.deleting).collect())
    }
}

impl SpaceReads for MemoryStore {
    async fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<(Space, Member)>, PortError> {
        let data = self.data();
        let member = data.members.get(&(space, user)).copied();
        Ok(data.spaces.get(&space).cloned().zip(member))
    }

    async fn space(&self, id: SpaceId) -> Result<Option<Space>, PortError> {
        Ok(self.data().spaces.get(&id).cloned())
    }

    async fn members(&self, space: SpaceId) -> Result<Vec<(Member, User)>, PortError> {
        let data = self.data();
        let members = data.members.values().filter(|member| member.space == space);
        Ok(members.filter_map(|m| data.users.get(&m.user).map(|user| (*m, user.clone()))).collect())
    }

    async fn space_and_members(
        &self,
        space: SpaceId,
    ) -> Result<Option<(Space, Vec<Member>)>, PortError> {
        let data = self.data();
        let found = data.spaces.get(&space).filter(|space| !space.deleting).cloned();
        let members = data.members.values().filter(|member| member.space == space).copied();
        Ok(found.map(|space| (space, members.collect())))
    }

    async fn invitations(&self, space: SpaceId) -> Result<Vec<Invitation>, PortError> {
        let data = self.data();
        Ok(data.invitations.values().filter(|found| found.space == space).cloned().collect())
    }

    async fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<Option<Invitation>, PortError> {
        Ok(self.data().invitations.get(&(space, address_hash.to_owned())).cloned())
    }
}

impl SpaceChanges for MemoryStore {
    async fn memberships(&self, user: UserId) -> Result<space::Memberships, PortError> {
        let data = self.data();
        let spaces = data.members.values().filter(|member| member.user == user).count();
        let version = data.memberships.get(&user).copied().unwrap_or(0);
        Ok(space::Memberships { spaces, version })
    }

    async fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        memberships: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        let mut data = self.data();
        if let Some(used) = data.used(record) {
            return Ok(Some(Created::Replayed(used)));
        }
        if !increment(data.memberships.entry(owner.user).or_default(), memberships) {
            return Ok(None);
        }
        data.remember(record);
        data.spaces.insert(space.id, space.clone());
        data.members.insert((space.id, owner.user), *owner);
        Ok(Some(Created::Stored))
    }

    async fn replace_space(&self, space: &Space, expected: u64) -> Result<Replaced<Space>, PortError> {
        let mut data = self.data();
        let stored = data.spaces.get(&space.id);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.spaces.insert(space.id, space.clone());
        Ok(Replaced::Stored)
    }

    async fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> Result<bool, PortError> {
        let mut data = self.data();
        if data.spaces.get(&space.id).is_none_or(|stored| stored.version != expected) {
            return Ok(false);
        }
        let role_of = |data: &Data, m: &Member| data.members.get(&(m.space, m.user)).map(|m| m.role);
        match change {
            MemberChange::Join(member, invitation, memberships) => {
                let address = (space.id, invitation.email.hash());
                let secret = data.invitations.get(&address).map(|stored| &stored.secret_hash);
                if secret != Some(&invitation.secret_hash) || role_of(&data, member).is_some() {
                    return Ok(false);
                }
                if !increment(data.memberships.entry(member.user).or_default(), *memberships) {
                    return Ok(false);
                }
                data.invitations.remove(&address);
                data.members.insert((space.id, member.user), *member);
            }
            MemberChange::Role(member, _) | MemberChange::Leave(member)
                if role_of(&data, member) != Some(member.role) =>
            {
                return Ok(false);
            }
            MemberChange::Role(member, role) => {
                data.members.insert((space.id, member.user), Member { role: *role, ..*member });
            }
            MemberChange::Leave(member) => {
                data.members.remove(&(space.id, member.user));
            }
        }
        data.spaces.insert(space.id, space.clone());
        Ok(true)
    }

    async fn invite(
        &self,
        invitation: &Invitation,
        notification: &Notification,
        book: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        let mut data = self.data();
        if let Some(used) = data.used(record) {
            return Ok(Some(Created::Replayed(used)));
        }
        if !increment(data.books.entry(invitation.space).or_default(), book) {
            return Ok(None);
        }
        data.remember(record);
        let address = (invitation.space, invitation.email.hash());
        data.invited.insert(address.clone(), invitation.created_at);
        data.invitations.insert(address, invitation.clone());
        data.notifications.insert(notification.id, (notification.clone(), notification.timer()));
        Ok(Some(Created::Stored))
    }

    async fn invitation_book(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<InvitationBook, PortError> {
        let invitations = self.invitations(space).await?;
        let data = self.data();
        let last_invited = data.invited.get(&(space, address_hash.to_owned())).copied();
        let version = data.books.get(&space).copied().unwrap_or(0);
        Ok(InvitationBook { invitations, last_invited, version })
    }

    async fn revoke(&self, space: SpaceId, address_hash: &str) -> Result<(), PortError> {
        self.data().invitations.remove(&(space, address_hash.to_owned()));
        Ok(())
    }

    async fn purge_space(&self, space: SpaceId) -> Result<(), PortError> {
        let mut data = self.data();
        let Data { tasks, comments, .. } = &mut *data;
        comments.retain(|(task, _), _| tasks.get(task).is_none_or(|(task, _)| task.space != space));
        tasks.retain(|_, (task, _)| task.space != space);
        data.members.retain(|(of, _), _| *of != space);
        data.invitations.retain(|(of, _), _| *of != space);
        data.spaces.remove(&space);
        Ok(())
    }
}

/// Increments a version, on condition that it is still `read`. Nothing if `read` is `None`. Returns whether the condition
/// held.
fn increment(version: &mut u64, read: Option<u64>) -> bool {
    let is_current = read.is_none_or(|read| read == *version);
    *version += u64::from(is_current && read.is_some());
    is_current
}

impl Digests for MemoryStore {
    async fn digest(&self, user: UserId) -> Result<Option<Digest>, PortError> {
        Ok(self.data().digests.get(&user).map(|(digest, _)| digest.clone()))
    }

    async fn replace_digest(
        &self,
        digest: &Digest,
        expected: u64,
        notification: Option<&Notification>,
    ) -> Result<Replaced<Digest>, PortError> {
        let mut data = self.data();
        let stored = data.digests.get(&digest.user).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.digests.insert(digest.user, (digest.clone(), digest.timer()));
        data.notifications.extend(
            notification
                .map(|notification| (notification.id, (notification.clone(), notification.timer()))),
        );
        Ok(Replaced::Stored)
    }
}

impl Notifications for MemoryStore {
    async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, PortError> {
        Ok(self.data().notifications.get(&id).map(|(notification, _)| notification.clone()))
    }

    async fn add_notification(
        &self,
        notification: &Notification,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.used(record) {
            return Ok(Created::Replayed(used));
        }
        data.remember(record);
        data.notifications.insert(notification.id, (notification.clone(), notification.timer()));
        Ok(Created::Stored)
    }

    async fn replace_notification(
        &self,
        notification: &Notification,
        expected: u64,
    ) -> Result<Replaced<Notification>, PortError> {
        let mut data = self.data();
        let stored = data.notifications.get(&notification.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.notifications.insert(notification.id, (notification.clone(), notification.timer()));
        Ok(Replaced::Stored)
    }

    async fn set_invitation_secret(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> Result<bool, PortError> {
        let address = (invitation.space, invitation.email.hash());
        let mut data = self.data();
        let stored = data.invitations.get_mut(&address);
        let Some(stored) = stored.filter(|stored| stored.notification == invitation.notification)
        else {
            return Ok(false);
        };
        stored.secret_hash = Some(secret_hash.to_owned());
        Ok(true)
    }
}
