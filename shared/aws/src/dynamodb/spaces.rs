//! Spaces, their members and invitations.
//!
//! A member is two items: one in the partition of the space, with the role, and a pointer in the partition of the user. Both
//! are written in one transaction with the space, which has the number of its members.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use futures_util::try_join;
use taskbell_domain::{
    id::{SpaceId, UserId},
    invitation::{Invitation, InvitationBook},
    membership::MemberChange,
    notification::Notification,
    ports::{Created, IdempotencyRecord, Memberships, PortError, Replaced, SpaceChanges, SpaceReads},
    space::{self, Member, Role, Space},
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{
        InvitationItem, MemberItem, SpaceItem, UserItem, build_item, invited_at, invited_item,
        key_item, parse_item, pointer_item,
    },
    key_attributes, keys, text,
    write::{Condition, TransactionResult, delete, increment_version, put, version_of},
};
use crate::error::{corrupt, invalid_request};

impl Memberships for DynamoDb {
    async fn role(&self, space: SpaceId, user: UserId) -> Result<Option<Role>, PortError> {
        let found = self.space_and_member(space, user).await?;
        Ok(found.filter(|(space, _)| !space.deleting).map(|(_, member)| member.role))
    }

    async fn space_ids(&self, user: UserId) -> Result<Vec<SpaceId>, PortError> {
        const OPERATION: &str = "listing the spaces of a user";
        let (partition, prefix) = keys::spaces_of(user);
        let pointers = self.query_partition(OPERATION, &self.tasks, &partition, prefix).await?;
        let space_of = |pointer: &Item| {
            let sort = pointer.get(keys::SK).and_then(|value| value.as_s().ok());
            let space = sort.and_then(|sort| keys::space_of(sort));
            space.ok_or_else(|| corrupt(OPERATION, "membership pointer"))
        };
        pointers.iter().map(space_of).collect()
    }

    async fn spaces_of(&self, user: UserId) -> Result<Vec<(Space, Role)>, PortError> {
        const OPERATION: &str = "reading the spaces of a user";
        let ids = self.space_ids(user).await?;
        let keys = ids.iter().flat_map(|space| [keys::space(*space), keys::member(*space, user)]);
        let keys = keys.collect();
        let (mut spaces, mut roles) = (Vec::new(), HashMap::new());
        for found in self.get_items(OPERATION, &self.tasks, keys).await? {
            if found.contains_key("role") {
                let member: Member = parse_item::<MemberItem, _>(OPERATION, found)?;
                roles.insert(member.space, member.role);
            } else {
                spaces.push(parse_item::<SpaceItem, Space>(OPERATION, found)?);
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
        let keys = vec![keys::space(space), keys::member(space, user)];
        let found = self.get_items(OPERATION, &self.tasks, keys).await?;
        let (members, spaces): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|item| item.contains_key("role"));
        let (Some(space), Some(member)) = (spaces.into_iter().next(), members.into_iter().next())
        else {
            return Ok(None);
        };
        let space = parse_item::<SpaceItem, _>(OPERATION, space)?;
        Ok(Some((space, parse_item::<MemberItem, _>(OPERATION, member)?)))
    }

    async fn space(&self, id: SpaceId) -> Result<Option<Space>, PortError> {
        const OPERATION: &str = "reading a space";
        let found = self.get_item(OPERATION, &self.tasks, keys::space(id)).await?;
        found.map(|item| parse_item::<SpaceItem, _>(OPERATION, item)).transpose()
    }

    async fn members(&self, space: SpaceId) -> Result<Vec<(Member, User)>, PortError> {
        const OPERATION: &str = "listing the members of a space";
        let (partition, prefix) = keys::members_of(space);
        let mut members = Vec::new();
        for found in self.query_partition(OPERATION, &self.tasks, &partition, prefix).await? {
            members.push(parse_item::<MemberItem, Member>(OPERATION, found)?);
        }
        let profiles = members.iter().map(|member| keys::profile(member.user)).collect();
        let mut users = HashMap::new();
        for found in self.get_items(OPERATION, &self.accounts, profiles).await? {
            let user: User = parse_item::<UserItem, _>(OPERATION, found)?;
            users.insert(user.id, user);
        }
        Ok(members.into_iter().filter_map(|m| users.remove(&m.user).map(|user| (m, user))).collect())
    }

    async fn space_and_members(
        &self,
        space: SpaceId,
    ) -> Result<Option<(Space, Vec<Member>)>, PortError> {
        const OPERATION: &str = "reading a space and its members";
        let (partition, prefix) = keys::members_of(space);
        let (found, members) = try_join!(
            self.get_item(OPERATION, &self.tasks, keys::space(space)),
            self.query_partition(OPERATION, &self.tasks, &partition, prefix),
        )?;
        // The item of a personal space has no version.
        let Some(found) = found.filter(|item| item.contains_key(keys::VERSION)) else {
            return Ok(None);
        };
        let space: Space = parse_item::<SpaceItem, _>(OPERATION, found)?;
        let members = members.into_iter().map(|item| parse_item::<MemberItem, _>(OPERATION, item));
        let members = members.collect::<Result<_, _>>()?;
        Ok((!space.deleting).then_some((space, members)))
    }

    async fn invitations(&self, space: SpaceId) -> Result<Vec<Invitation>, PortError> {
        const OPERATION: &str = "listing invitations";
        let (partition, prefix) = keys::invitations_of(space);
        let found = self.query_partition(OPERATION, &self.tasks, &partition, prefix).await?.into_iter();
        found.map(|item| parse_item::<InvitationItem, _>(OPERATION, item)).collect()
    }

    async fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<Option<Invitation>, PortError> {
        const OPERATION: &str = "reading an invitation";
        let found =
            self.get_item(OPERATION, &self.tasks, keys::invitation(space, address_hash)).await?;
        found.map(|item| parse_item::<InvitationItem, _>(OPERATION, item)).transpose()
    }
}

impl SpaceChanges for DynamoDb {
    async fn memberships(&self, user: UserId) -> Result<space::Memberships, PortError> {
        const OPERATION: &str = "counting the spaces of a user";
        let (partition, prefix) = keys::spaces_of(user);
        // The version first: if the user joins a space after this read, the conditional write of the caller fails.
        let counter = self.get_item(OPERATION, &self.tasks, keys::memberships(user)).await?;
        let pointers = self.query_partition(OPERATION, &self.tasks, &partition, prefix).await?;
        Ok(space::Memberships { spaces: pointers.len(), version: version_of(OPERATION, counter)? })
    }

    async fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        memberships: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        const OPERATION: &str = "creating a space";
        let mut actions = vec![self.put_space(OPERATION, space, Condition::NotExists)?];
        actions.extend(self.put_member(OPERATION, owner)?);
        let counter = keys::memberships(owner.user);
        actions.extend(increment_version(OPERATION, &self.tasks, counter, memberships)?);
        self.transact_with_record(OPERATION, actions, record).await
    }

    async fn replace_space(&self, space: &Space, expected: u64) -> Result<Replaced<Space>, PortError> {
        const OPERATION: &str = "changing a space";
        let stored = build_item(OPERATION, keys::space(space.id), &SpaceItem::from(space))?;
        self.replace_item::<SpaceItem, _>(OPERATION, &self.tasks, stored, Condition::Version(expected))
            .await
    }

    async fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "changing a member";
        let mut actions = vec![self.put_space(OPERATION, space, Condition::Version(expected))?];
        match change {
            MemberChange::Join(member, invitation, memberships) => {
                actions.extend(self.put_member(OPERATION, member)?);
                let counter = keys::memberships(member.user);
                actions.extend(increment_version(OPERATION, &self.tasks, counter, *memberships)?);
                let invitation_key = keys::invitation(space.id, &invitation.email.hash());
                let secret = invitation.secret_hash.as_deref().unwrap_or_default();
                let has_secret = Condition::Equals("secret_hash", secret);
                actions.push(delete(OPERATION, &self.tasks, invitation_key, has_secret)?);
                let pointer = keys::invitation_pointer(space.id, &invitation.email.hash());
                actions.push(delete(OPERATION, &self.tasks, pointer, Condition::Unconditional)?);
            }
            MemberChange::Role(member, role) => {
                let update = Update::builder()
                    .table_name(&self.tasks)
                    .set_key(Some(key_attributes(keys::member(space.id, member.user))))
                    .update_expression("SET #role = :to")
                    .condition_expression("#role = :from")
                    .expression_attribute_names("#role", "role")
                    .expression_attribute_values(":from", text(member.role.as_str()))
                    .expression_attribute_values(":to", text(role.as_str()))
                    .build()
                    .map_err(|e| invalid_request(OPERATION, e))?;
                actions.push(TransactWriteItem::builder().update(update).build());
            }
            MemberChange::Leave(member) => {
                let pointer = keys::membership_pointer(space.id, member.user);
                let has_role = Condition::Equals("role", member.role.as_str());
                let member = keys::member(space.id, member.user);
                actions.push(delete(OPERATION, &self.tasks, member, has_role)?);
                actions.push(delete(OPERATION, &self.tasks, pointer, Condition::Unconditional)?);
            }
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn invite(
        &self,
        invitation: &Invitation,
        notification: &Notification,
        book: Option<u64>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        const OPERATION: &str = "creating an invitation";
        let key = keys::invitation(invitation.space, &invitation.email.hash());
        let stored = build_item(OPERATION, key, &InvitationItem::from(invitation))?;
        let mut actions = vec![
            put(OPERATION, &self.tasks, stored, Condition::Unconditional)?,
            put(OPERATION, &self.tasks, pointer_item(invitation), Condition::Unconditional)?,
            put(OPERATION, &self.tasks, invited_item(invitation), Condition::Unconditional)?,
        ];
        actions.extend(self.put_notification(OPERATION, Some(notification))?);
        let counter = keys::invitation_book(invitation.space);
        actions.extend(increment_version(OPERATION, &self.tasks, counter, book)?);
        self.transact_with_record(OPERATION, actions, record).await
    }

    async fn invitation_book(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<InvitationBook, PortError> {
        const OPERATION: &str = "reading the invitations of a space";
        // The version first: if an invitation is created after this read, the conditional write of the caller fails.
        let counter = self.get_item(OPERATION, &self.tasks, keys::invitation_book(space)).await?;
        let invitations = self.invitations(space);
        let invited = self.get_item(OPERATION, &self.tasks, keys::invited(space, address_hash));
        let (invitations, invited) = try_join!(invitations, invited)?;
        let last_invited = invited.as_ref().and_then(invited_at);
        let version = version_of(OPERATION, counter)?;
        Ok(InvitationBook { invitations, last_invited, version })
    }

    async fn revoke(&self, space: SpaceId, address_hash: &str) -> Result<(), PortError> {
        const OPERATION: &str = "revoking an invitation";
        let pointer = keys::invitation_pointer(space, address_hash);
        let items = vec![keys::invitation(space, address_hash), pointer];
        self.batch_delete(OPERATION, &self.tasks, items).await
    }

    async fn purge_space(&self, space: SpaceId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting a space";
        // Repeated until the index, which is eventually consistent, shows no task.
        while self.delete_tasks(OPERATION, space).await? {}
        let (partition, _) = keys::members_of(space);
        let (mut others, mut owners) = (Vec::new(), Vec::new());
        for found in self.query_partition(OPERATION, &self.tasks, &partition, "").await? {
            let sort = found.get(keys::SK).and_then(|value| value.as_s().ok()).cloned();
            let sort = sort.ok_or_else(|| corrupt(OPERATION, keys::SK))?;
            let owner = found.get("role") == Some(&text(Role::Owner.as_str()));
            let group = if owner { &mut owners } else { &mut others };
            group.extend(keys::member_of(&sort).map(|user| keys::membership_pointer(space, user)));
            let invited = keys::invited_address(&sort);
            group.extend(invited.map(|hash| keys::invitation_pointer(space, hash)));
            if sort != keys::space(space).1 {
                group.push((partition.clone(), sort));
            }
        }
        // The owners last: while the space exists, an owner can request its deletion again.
        self.batch_delete(OPERATION, &self.tasks, others).await?;
        self.batch_delete(OPERATION, &self.tasks, vec![keys::space(space)]).await?;
        self.batch_delete(OPERATION, &self.tasks, owners).await
    }
}

impl DynamoDb {
    fn put_space(
        &self,
        operation: &'static str,
        space: &Space,
        condition: Condition<'_>,
    ) -> Result<TransactWriteItem, PortError> {
        let stored = build_item(operation, keys::space(space.id), &SpaceItem::from(space))?;
        put(operation, &self.tasks, stored, condition)
    }

    fn put_member(
        &self,
        operation: &'static str,
        member: &Member,
    ) -> Result<[TransactWriteItem; 2], PortError> {
        let stored = MemberItem::from(member);
        let key = keys::member(member.space, member.user);
        let pointer = keys::membership_pointer(member.space, member.user);
        Ok([
            put(operation, &self.tasks, build_item(operation, key, &stored)?, Condition::NotExists)?,
            put(operation, &self.tasks, key_item(pointer), Condition::NotExists)?,
        ])
    }
}
