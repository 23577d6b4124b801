//! Spaces, who is in them, and who is invited.
//!
//! A member is two items: one in the space's partition, which says what they may do, and one in the user's,
//! which leads to the space. Both are written together with the space itself, which counts its members.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    DeleteRequest, KeysAndAttributes, TransactWriteItem, Update, WriteRequest,
};
use futures_util::future::try_join_all;
use taskbell_domain::{
    id::{SpaceId, UserId},
    list::{Scope, Sort, SortBy, TaskFilter, TaskQuery},
    notice::Notice,
    ports::{Created, IdempotencyRecord, Memberships, PortError, Replaced, SpaceChanges, SpaceReads},
    space::{Invitation, Member, MemberChange, Role, Space},
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{InvitationItem, MemberItem, NoticeItem, SpaceItem, UserItem, item, read},
    key, keys, text,
    write::{Transacted, When, delete, put},
};
use crate::{
    error::{corrupt, port_error, unbuildable},
    sent::Sent,
};

/// The most keys of one BatchGetItem, and the most requests of one BatchWriteItem (DynamoDB quotas).
const BATCH_GET: usize = 100;
const BATCH_WRITE: usize = 25;

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
    async fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "creating a space";
        let mut actions = vec![self.put_space(OPERATION, space, When::Absent)?];
        actions.extend(self.put_member(OPERATION, owner)?);
        let created = self.transact_recorded(OPERATION, actions, record).await?;
        created.ok_or_else(|| corrupt(OPERATION, "a new id is in use"))
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
            MemberChange::Join(member, invitation) => {
                actions.extend(self.put_member(OPERATION, member)?);
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
                let (place, way) =
                    (keys::member(space.id, member.user), keys::way_to(space.id, member.user));
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
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "inviting";
        let address = keys::invitation(invitation.space, &invitation.email.hash());
        let stored = item(OPERATION, address, &InvitationItem::from(invitation))?;
        let carrier = item(OPERATION, keys::notice(notice.id), &NoticeItem::from(notice))?;
        let actions = vec![
            put(OPERATION, &self.tasks, stored, When::Always)?,
            put(OPERATION, &self.tasks, carrier, When::Absent)?,
        ];
        let created = self.transact_recorded(OPERATION, actions, record).await?;
        created.ok_or_else(|| corrupt(OPERATION, "a new id is in use"))
    }

    async fn revoke(&self, space: SpaceId, address_hash: &str) -> Result<(), PortError> {
        const OPERATION: &str = "revoking an invitation";
        let place = key(keys::invitation(space, address_hash));
        let delete = self.client.delete_item().table_name(&self.tasks).set_key(Some(place));
        delete.sent().await.map(drop).map_err(port_error(OPERATION))
    }

    async fn purge_space(&self, space: SpaceId, most: usize) -> Result<bool, PortError> {
        const OPERATION: &str = "deleting a space";
        let mut query = TaskQuery {
            scope: Scope::Space(space),
            filter: TaskFilter::default(),
            sort: Sort { by: SortBy::Created, descending: false },
            limit: BATCH_GET as u8,
            after: None,
        };
        let mut gone = 0;
        loop {
            let page = self.list_tasks(&query).await?;
            let comments = page
                .items
                .iter()
                .map(|task| self.delete_partition(OPERATION, &self.tasks, keys::comments_of(task.id)));
            try_join_all(comments).await?;
            let tasks = page.items.iter().map(|task| keys::task(task.id));
            self.delete_all(OPERATION, &self.tasks, tasks.collect()).await?;
            gone += page.items.len();
            query.after = page.next;
            match (page.items.is_empty(), &query.after) {
                // From the beginning again, until nothing is found: the index lags a little.
                (true, None) => break,
                _ if gone >= most => return Ok(false),
                _ => {}
            }
        }
        let (partition, _) = keys::members_of(space);
        let (mut others, mut owners) = (Vec::new(), Vec::new());
        for found in self.partition(OPERATION, &partition, "").await? {
            let sort = found.get(keys::SK).and_then(|value| value.as_s().ok()).cloned();
            let sort = sort.ok_or_else(|| corrupt(OPERATION, keys::SK))?;
            let owner = found.get("role") == Some(&text(Role::Owner.as_str()));
            let group = if owner { &mut owners } else { &mut others };
            group.extend(keys::member_of(&sort).map(|user| keys::way_to(space, user)));
            if sort != keys::space(space).1 {
                group.push((partition.clone(), sort));
            }
        }
        // The space before its owners: as long as it is there, one of them can have it deleted again.
        self.delete_all(OPERATION, &self.tasks, others).await?;
        self.delete_all(OPERATION, &self.tasks, vec![keys::space(space)]).await?;
        self.delete_all(OPERATION, &self.tasks, owners).await?;
        Ok(true)
    }
}

impl DynamoDb {
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
        let way = keys::way_to(member.space, member.user);
        let place = keys::member(member.space, member.user);
        Ok([
            put(operation, &self.tasks, item(operation, place, &stored)?, When::Absent)?,
            put(operation, &self.tasks, key(way), When::Absent)?,
        ])
    }

    /// All items of a partition of the tasks table whose sort key begins with a prefix. For partitions that are
    /// known to be small.
    pub(super) async fn partition(
        &self,
        operation: &'static str,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, PortError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&self.tasks)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_values(":pk", text(partition))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            if !prefix.is_empty() {
                query = query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expression_attribute_names("#sk", keys::SK)
                    .expression_attribute_values(":prefix", text(prefix));
            }
            let page = query.sent().await.map_err(port_error(operation))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Deletes the items of a partition whose sort key begins with a prefix, page by page.
    pub(super) async fn delete_partition(
        &self,
        operation: &'static str,
        table: &str,
        (partition, prefix): (String, &str),
    ) -> Result<(), PortError> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#sk", keys::SK)
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":prefix", text(prefix))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .sent()
                .await
                .map_err(port_error(operation))?;
            let found = page.items.unwrap_or_default();
            let sorts = found.iter().filter_map(|item| item.get(keys::SK)?.as_s().ok());
            let some = sorts.map(|sort| (partition.clone(), sort.clone())).collect();
            self.delete_all(operation, table, some).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// All items with these keys that are there, in any order: one call for each hundred. What DynamoDB leaves
    /// out for want of capacity is read singly, which the SDK retries with backoff.
    pub(super) async fn get_all(
        &self,
        operation: &'static str,
        table: &str,
        wanted: Vec<(String, String)>,
    ) -> Result<Vec<Item>, PortError> {
        let mut found = Vec::new();
        for some in wanted.chunks(BATCH_GET) {
            let keys = some.iter().map(|of| key(of.clone())).collect();
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let keys = keys.map_err(|e| unbuildable(operation, e))?;
            let request = self.client.batch_get_item().request_items(table, keys).sent().await;
            let answer = request.map_err(port_error(operation))?;
            found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
            let left = answer.unprocessed_keys.unwrap_or_default().remove(table);
            for rest in left.map(|left| left.keys).unwrap_or_default() {
                let get = self.client.get_item().table_name(table).set_key(Some(rest));
                let one = get.consistent_read(true).sent().await.map_err(port_error(operation))?;
                found.extend(one.item);
            }
        }
        Ok(found)
    }

    /// Deletes items of the tasks table, in order of the batches they fall into.
    pub(super) async fn delete_all(
        &self,
        operation: &'static str,
        table: &str,
        all: Vec<(String, String)>,
    ) -> Result<(), PortError> {
        for some in all.chunks(BATCH_WRITE) {
            let requests = some.iter().map(|of| {
                let delete = DeleteRequest::builder().set_key(Some(key(of.clone()))).build();
                let delete = delete.map_err(|e| unbuildable(operation, e))?;
                Ok(WriteRequest::builder().delete_request(delete).build())
            });
            let requests = requests.collect::<Result<Vec<_>, PortError>>()?;
            let sent = self.client.batch_write_item().request_items(table, requests).sent().await;
            let left = sent.map_err(port_error(operation))?.unprocessed_items.unwrap_or_default();
            let left = left.into_values().flatten().filter_map(|request| request.delete_request);
            try_join_all(left.map(async |request| {
                let one = self.client.delete_item().table_name(table).set_key(Some(request.key));
                one.sent().await.map(drop).map_err(port_error(operation))
            }))
            .await?;
        }
        Ok(())
    }
}
