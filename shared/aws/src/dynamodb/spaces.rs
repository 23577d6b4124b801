//! Spaces, who is in them, and who is invited.
//!
//! A member is two items: one in the space's partition, which says what they may do, and one in the user's,
//! which leads to the space. Both are written together with the space itself, which counts its members.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use futures_util::{future::try_join_all, try_join};
use jiff::Timestamp;
use taskbell_domain::{
    id::{SpaceId, UserId},
    invitation::{INVITATION_PAUSE, Invitation, InvitationBook},
    membership::MemberChange,
    notification::Notification,
    ports::{Created, IdempotencyRecord, Memberships, PortError, Replaced, SpaceChanges, SpaceReads},
    space::{self, Member, Role, Space},
    user::User,
};

use super::{
    DynamoDb, Item,
    batch::BATCH_WRITE,
    items::{InvitationItem, MemberItem, NotificationItem, SpaceItem, UserItem, bare, item, read},
    key,
    keys::{self, BY_CREATED},
    number, text,
    write::{Transacted, When, delete, put},
};
use crate::{
    error::{corrupt, port_error, unbuildable},
    send_boxed::SendBoxed,
};

/// The attribute that says when an address was invited last.
const INVITED_AT: &str = "invited_at";

/// How many tasks lose their comments at a time: each call may need a connection of its own.
const AT_ONCE: usize = 8;

impl Memberships for DynamoDb {
    async fn role(&self, space: SpaceId, user: UserId) -> Result<Option<Role>, PortError> {
        let found = self.space_and_member(space, user).await?;
        Ok(found.filter(|(space, _)| !space.deleting).map(|(_, member)| member.role))
    }

    async fn spaces_of(&self, user: UserId) -> Result<Vec<(Space, Role)>, PortError> {
        const OPERATION: &str = "listing the spaces of a user";
        let (partition, prefix) = keys::spaces_of(user);
        let pointers = self.partition(OPERATION, &partition, prefix).await?;
        let mut wanted = Vec::new();
        for pointer in &pointers {
            let sort = pointer.get(keys::SK).and_then(|value| value.as_s().ok());
            let space = sort.and_then(|sort| keys::space_of(sort));
            let space = space.ok_or_else(|| corrupt(OPERATION, "the way to a space"))?;
            wanted.extend([keys::space(space), keys::member(space, user)]);
        }
        let (mut spaces, mut roles) = (Vec::new(), HashMap::new());
        for found in self.get_all(OPERATION, &self.tasks, wanted).await? {
            if found.contains_key("role") {
                let member: Member = read::<MemberItem, _>(OPERATION, found)?;
                roles.insert(member.space, member.role);
            } else {
                spaces.push(read::<SpaceItem, Space>(OPERATION, found)?);
            }
        }
        spaces.retain(|space| !space.deleting);
        spaces.sort_by_key(|space| space.id);
        Ok(spaces.into_iter().filter_map(|s| roles.get(&s.id).map(|role| (s, *role))).collect())
    }
}

impl SpaceReads for DynamoDb {
    async fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<(Space, Member)>, PortError> {
        const OPERATION: &str = "reading a space and a member";
        let wanted = vec![keys::space(space), keys::member(space, user)];
        let found = self.get_all(OPERATION, &self.tasks, wanted).await?;
        let (members, spaces): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|item| item.contains_key("role"));
        let (Some(space), Some(member)) = (spaces.into_iter().next(), members.into_iter().next())
        else {
            return Ok(None);
        };
        let space = read::<SpaceItem, _>(OPERATION, space)?;
        Ok(Some((space, read::<MemberItem, _>(OPERATION, member)?)))
    }

    async fn space(&self, id: SpaceId) -> Result<Option<Space>, PortError> {
        const OPERATION: &str = "reading a space";
        let found = self.get(OPERATION, &self.tasks, keys::space(id)).await?;
        found.map(|item| read::<SpaceItem, _>(OPERATION, item)).transpose()
    }

    async fn members(&self, space: SpaceId) -> Result<Vec<(Member, User)>, PortError> {
        const OPERATION: &str = "listing the members of a space";
        let (partition, prefix) = keys::members_of(space);
        let mut members = Vec::new();
        for found in self.partition(OPERATION, &partition, prefix).await? {
            members.push(read::<MemberItem, Member>(OPERATION, found)?);
        }
        let profiles = members.iter().map(|member| keys::profile(member.user)).collect();
        let mut users = HashMap::new();
        for found in self.get_all(OPERATION, &self.accounts, profiles).await? {
            let user: User = read::<UserItem, _>(OPERATION, found)?;
            users.insert(user.id, user);
        }
        Ok(members.into_iter().filter_map(|m| users.remove(&m.user).map(|user| (m, user))).collect())
    }

    async fn invitations(&self, space: SpaceId) -> Result<Vec<Invitation>, PortError> {
        const OPERATION: &str = "listing invitations";
        let (partition, prefix) = keys::invitations_of(space);
        let found = self.partition(OPERATION, &partition, prefix).await?.into_iter();
        found.map(|item| read::<InvitationItem, _>(OPERATION, item)).collect()
    }

    async fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<Option<Invitation>, PortError> {
        const OPERATION: &str = "reading an invitation";
        let found = self.get(OPERATION, &self.tasks, keys::invitation(space, address_hash)).await?;
        found.map(|item| read::<InvitationItem, _>(OPERATION, item)).transpose()
    }
}

impl SpaceChanges for DynamoDb {
    async fn memberships(&self, user: UserId) -> Result<space::Memberships, PortError> {
        const OPERATION: &str = "counting the spaces of a user";
        let (partition, prefix) = keys::spaces_of(user);
        // First the version: what joins after it was read makes the next write fail.
        let number = self.get(OPERATION, &self.tasks, keys::memberships(user)).await?;
        let pointers = self.partition(OPERATION, &partition, prefix).await?;
        Ok(space::Memberships { spaces: pointers.len(), version: version_of(OPERATION, number)? })
    }

    async fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        memberships: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        const OPERATION: &str = "creating a space";
        let mut actions = vec![self.put_space(OPERATION, space, When::Absent)?];
        actions.extend(self.put_member(OPERATION, owner)?);
        actions.extend(self.count_up(OPERATION, keys::memberships(owner.user), memberships)?);
        self.transact_recorded(OPERATION, actions, record).await
    }

    async fn replace_space(&self, space: &Space, expected: u64) -> Result<Replaced<Space>, PortError> {
        const OPERATION: &str = "changing a space";
        let stored = item(OPERATION, keys::space(space.id), &SpaceItem::from(space))?;
        self.replace_item::<SpaceItem, _>(OPERATION, &self.tasks, stored, expected).await
    }

    async fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "changing who is in a space";
        let mut actions = vec![self.put_space(OPERATION, space, When::Version(expected))?];
        match change {
            MemberChange::Join(member, invitation, memberships) => {
                actions.extend(self.put_member(OPERATION, member)?);
                let number = keys::memberships(member.user);
                actions.extend(self.count_up(OPERATION, number, *memberships)?);
                let address = keys::invitation(space.id, &invitation.email.hash());
                let secret = invitation.secret_hash.as_deref().unwrap_or_default();
                actions.push(delete(
                    OPERATION,
                    &self.tasks,
                    address,
                    When::Has("secret_hash", secret),
                )?);
            }
            MemberChange::Role(member, role) => {
                let update = Update::builder()
                    .table_name(&self.tasks)
                    .set_key(Some(key(keys::member(space.id, member.user))))
                    .update_expression("SET #role = :to")
                    .condition_expression("#role = :from")
                    .expression_attribute_names("#role", "role")
                    .expression_attribute_values(":from", text(member.role.as_str()))
                    .expression_attribute_values(":to", text(role.as_str()))
                    .build()
                    .map_err(|e| unbuildable(OPERATION, e))?;
                actions.push(TransactWriteItem::builder().update(update).build());
            }
            MemberChange::Leave(member) => {
                let (place, way) = (
                    keys::member(space.id, member.user),
                    keys::membership_pointer(space.id, member.user),
                );
                let role = When::Has("role", member.role.as_str());
                actions.push(delete(OPERATION, &self.tasks, place, role)?);
                actions.push(delete(OPERATION, &self.tasks, way, When::Always)?);
            }
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, Transacted::Done))
    }

    async fn invite(
        &self,
        invitation: &Invitation,
        notification: &Notification,
        book: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        const OPERATION: &str = "inviting";
        let hash = invitation.email.hash();
        let address = keys::invitation(invitation.space, &hash);
        let mut invited = bare(keys::invited(invitation.space, &hash));
        invited.insert(INVITED_AT.to_owned(), number(invitation.created_at.as_second()));
        let forgotten_at = invitation.created_at + INVITATION_PAUSE;
        invited.insert(keys::EXPIRES_AT.to_owned(), number(forgotten_at.as_second()));
        let stored = item(OPERATION, address, &InvitationItem::from(invitation))?;
        let carrier = item(
            OPERATION,
            keys::notification(notification.id),
            &NotificationItem::from(notification),
        )?;
        let mut actions = vec![
            put(OPERATION, &self.tasks, stored, When::Always)?,
            put(OPERATION, &self.tasks, invited, When::Always)?,
            put(OPERATION, &self.tasks, carrier, When::Absent)?,
        ];
        actions.extend(self.count_up(OPERATION, keys::invitation_book(invitation.space), book)?);
        self.transact_recorded(OPERATION, actions, record).await
    }

    async fn invitation_book(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<InvitationBook, PortError> {
        const OPERATION: &str = "reading who is invited";
        // First the version: what is made after it was read makes the next write fail.
        let number = self.get(OPERATION, &self.tasks, keys::invitation_book(space)).await?;
        let invitations = self.invitations(space);
        let invited = self.get(OPERATION, &self.tasks, keys::invited(space, address_hash));
        let (invitations, invited) = try_join!(invitations, invited)?;
        let at = invited.and_then(|item| item.get(INVITED_AT)?.as_n().ok()?.parse().ok());
        let last_invited = at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let version = version_of(OPERATION, number)?;
        Ok(InvitationBook { invitations, last_invited, version })
    }

    async fn revoke(&self, space: SpaceId, address_hash: &str) -> Result<(), PortError> {
        const OPERATION: &str = "revoking an invitation";
        let place = key(keys::invitation(space, address_hash));
        let delete = self.client.delete_item().table_name(&self.tasks).set_key(Some(place));
        delete.send_boxed().await.map(drop).map_err(port_error(OPERATION))
    }

    async fn purge_space(&self, space: SpaceId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting a space";
        // From the beginning again, until nothing is found: the index lags a little.
        while self.delete_tasks(OPERATION, space).await? {}
        let (partition, _) = keys::members_of(space);
        let (mut others, mut owners) = (Vec::new(), Vec::new());
        for found in self.partition(OPERATION, &partition, "").await? {
            let sort = found.get(keys::SK).and_then(|value| value.as_s().ok()).cloned();
            let sort = sort.ok_or_else(|| corrupt(OPERATION, keys::SK))?;
            let owner = found.get("role") == Some(&text(Role::Owner.as_str()));
            let group = if owner { &mut owners } else { &mut others };
            group.extend(keys::member_of(&sort).map(|user| keys::membership_pointer(space, user)));
            if sort != keys::space(space).1 {
                group.push((partition.clone(), sort));
            }
        }
        // The space before its owners: as long as it is there, one of them can have it deleted again.
        self.delete_all(OPERATION, &self.tasks, others).await?;
        self.delete_all(OPERATION, &self.tasks, vec![keys::space(space)]).await?;
        self.delete_all(OPERATION, &self.tasks, owners).await
    }
}

/// The version of a number that counts up; 0 of one that is not there yet.
fn version_of(operation: &'static str, number: Option<Item>) -> Result<u64, PortError> {
    let Some(number) = number else { return Ok(0) };
    let version = number.get(keys::VERSION).and_then(|value| value.as_n().ok()?.parse().ok());
    version.ok_or_else(|| corrupt(operation, keys::VERSION))
}

impl DynamoDb {
    /// Counts a number up from the version that was read, if one was.
    fn count_up(
        &self,
        operation: &'static str,
        place: (String, String),
        read: Option<u64>,
    ) -> Result<Option<TransactWriteItem>, PortError> {
        let Some(read) = read else { return Ok(None) };
        let when = if read == 0 { When::Absent } else { When::Version(read) };
        let mut counted = bare(place);
        counted.insert(keys::VERSION.to_owned(), number(read + 1));
        put(operation, &self.tasks, counted, when).map(Some)
    }

    fn put_space(
        &self,
        operation: &'static str,
        space: &Space,
        when: When<'_>,
    ) -> Result<TransactWriteItem, PortError> {
        put(
            operation,
            &self.tasks,
            item(operation, keys::space(space.id), &SpaceItem::from(space))?,
            when,
        )
    }

    fn put_member(
        &self,
        operation: &'static str,
        member: &Member,
    ) -> Result<[TransactWriteItem; 2], PortError> {
        let stored = MemberItem::from(member);
        let way = keys::membership_pointer(member.space, member.user);
        let place = keys::member(member.space, member.user);
        Ok([
            put(operation, &self.tasks, item(operation, place, &stored)?, When::Absent)?,
            put(operation, &self.tasks, bare(way), When::Absent)?,
        ])
    }

    /// Deletes the tasks that the index shows of a space, each after its comments. Returns whether it showed any.
    async fn delete_tasks(&self, operation: &'static str, space: SpaceId) -> Result<bool, PortError> {
        let (mut found, mut start) = (false, None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tasks)
                .index_name(BY_CREATED.name)
                .key_condition_expression("#space = :space")
                .projection_expression("#pk")
                .expression_attribute_names("#space", BY_CREATED.partition)
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_values(":space", text(keys::space_partition(space)))
                .limit(BATCH_WRITE as i32)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(operation))?;
            let mut tasks = Vec::new();
            for item in page.items.unwrap_or_default() {
                let id = item.get(keys::PK).and_then(|value| value.as_s().ok());
                let id = id.and_then(|partition| keys::task_of(partition));
                tasks.push(id.ok_or_else(|| corrupt(operation, keys::PK))?);
            }
            found |= !tasks.is_empty();
            for some in tasks.chunks(AT_ONCE) {
                let comments = some.iter().map(|task| {
                    self.delete_partition(operation, &self.tasks, keys::all_comments_of(*task))
                });
                try_join_all(comments).await?;
            }
            let gone = tasks.into_iter().map(keys::task).collect();
            self.delete_all(operation, &self.tasks, gone).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}
