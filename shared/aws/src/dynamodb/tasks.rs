//! Tasks by id, and every change of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{delete_item::DeleteItemError, put_item::PutItemError},
    types::{KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem},
};
use jiff::Timestamp;
use taskbell_domain::{
    id::{SpaceId, TaskId, UserId},
    list::{TaskPage, TaskQuery},
    notification::Notification,
    ports::{
        AtomicExtras, Created, IdempotencyRecord, IdempotencyRecords, PortError, Quotas, Replaced,
        TaskChanges, TaskCreation, TaskReads,
    },
    statistics::{CounterGroup, Counters},
    task::Task,
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{IdempotencyItem, NotificationItem, TaskItem, UserItem, item, numbers, read},
    key, keys, number, text,
    write::{Transacted, When, conflict, delete, put},
};
use crate::{
    error::{corrupt, port_error, unbuildable},
    send_boxed::SendBoxed,
};

impl TaskReads for DynamoDb {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        const OPERATION: &str = "reading a task";
        let found = self.get(OPERATION, &self.tasks, keys::task(id)).await?;
        found.map(|item| read::<TaskItem, _>(OPERATION, item)).transpose()
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        self.list_tasks(query).await
    }
}

impl IdempotencyRecords for DynamoDb {
    async fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<IdempotencyRecord>, PortError> {
        const OPERATION: &str = "reading records of idempotency keys";
        let wanted = key_hashes.iter().map(|hash| keys::idempotency(user, hash)).collect();
        let found = self.get_all(OPERATION, &self.tasks, wanted).await?.into_iter();
        let records = found.map(|item| read::<IdempotencyItem, IdempotencyRecord>(OPERATION, item));
        let mut records = records.collect::<Result<Vec<_>, _>>()?;
        records.retain(|record| record.expires_at > now);
        Ok(records)
    }
}

impl Quotas for DynamoDb {
    async fn numbers(&self, space: SpaceId) -> Result<Counters, PortError> {
        let group = keys::counter_group(space, &CounterGroup::Tasks);
        let found = self.get("reading the numbers of a space", &self.tasks, group).await?;
        Ok(found.as_ref().map(numbers).unwrap_or_default())
    }

    async fn user_and_numbers(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> Result<(Option<User>, Counters), PortError> {
        const OPERATION: &str = "reading a profile and the numbers of a space";
        let group = keys::counter_group(space, &CounterGroup::Tasks);
        let (profile, items) =
            self.get_from_both(OPERATION, keys::profile(user), vec![group.clone()]).await?;
        let user = profile.map(|item| read::<UserItem, _>(OPERATION, item)).transpose()?;
        Ok((user, items.get(&group).map(numbers).unwrap_or_default()))
    }
}

impl TaskCreation for DynamoDb {
    async fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notification: Option<&Notification>,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "creating a task";
        let stored = item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        if record.is_none() && notification.is_none() {
            return self.create_alone(stored).await;
        }
        let mut actions = vec![put(OPERATION, &self.tasks, stored, When::Absent)?];
        actions.extend(self.put_notification(OPERATION, notification)?);
        match self.transact_recorded(OPERATION, actions, record).await? {
            Some(created) => Ok(created),
            None => Err(corrupt(OPERATION, "a new id is in use")),
        }
    }
}

impl TaskChanges for DynamoDb {
    async fn task_user_and_numbers(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>, Counters), PortError> {
        const OPERATION: &str = "reading a task and a profile";
        let group = keys::counter_group(SpaceId::personal(user), &CounterGroup::Tasks);
        let of_tasks = vec![keys::task(task), group.clone()];
        let (profile, mut items) = self.get_from_both(OPERATION, keys::profile(user), of_tasks).await?;
        let task = items.remove(&keys::task(task));
        let task = task.map(|item| read::<TaskItem, _>(OPERATION, item)).transpose()?;
        let user = profile.map(|item| read::<UserItem, _>(OPERATION, item)).transpose()?;
        Ok((task, user, items.get(&group).map(numbers).unwrap_or_default()))
    }

    async fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: AtomicExtras<'_>,
    ) -> Result<Replaced<Task>, PortError> {
        const OPERATION: &str = "changing a task";
        let stored = item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        if also.next.is_none() && also.notification.is_none() && also.record.is_none() {
            return self.replace_item::<TaskItem, _>(OPERATION, &self.tasks, stored, expected).await;
        }
        let mut actions = vec![put(OPERATION, &self.tasks, stored, When::Version(expected))?];
        if let Some(next) = also.next {
            let next = item(OPERATION, keys::task(next.id), &TaskItem::from(next))?;
            actions.push(put(OPERATION, &self.tasks, next, When::Absent)?);
        }
        actions.extend(self.put_notification(OPERATION, also.notification)?);
        let record = also.record.map(|record| self.put_record(OPERATION, record));
        actions.extend(record.transpose()?);
        self.replace_with::<TaskItem, _>(OPERATION, actions).await
    }

    async fn task_and_comments(&self, id: TaskId) -> Result<(Option<Task>, bool), PortError> {
        const OPERATION: &str = "reading a task and whether there are comments";
        let (partition, sort) = keys::task(id);
        // In this direction the task comes first, and then the last of its comments.
        let query = self
            .client
            .query()
            .table_name(&self.tasks)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_values(":pk", text(partition))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(2);
        let found = query.send_boxed().await.map_err(port_error(OPERATION))?.items.unwrap_or_default();
        let is_task = |item: &Item| item.get(keys::SK) == Some(&text(&sort));
        let (tasks, comments): (Vec<_>, Vec<_>) = found.into_iter().partition(is_task);
        let task = tasks.into_iter().next().map(|item| read::<TaskItem, _>(OPERATION, item));
        Ok((task.transpose()?, !comments.is_empty()))
    }

    async fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Replaced<Task>, PortError> {
        const OPERATION: &str = "deleting a task";
        if let Some(record) = record {
            let gone = delete(OPERATION, &self.tasks, keys::task(id), When::Version(expected))?;
            let record = self.put_record(OPERATION, record)?;
            let replaced = self.replace_with::<TaskItem, _>(OPERATION, vec![gone, record]).await?;
            self.after_deletion(&replaced, id, comments).await;
            return Ok(replaced);
        }
        let result = self
            .client
            .delete_item()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::task(id))))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", keys::VERSION)
            .expression_attribute_values(":expected", number(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send_boxed()
            .await;
        let replaced = match result {
            Ok(_) => Replaced::Stored,
            Err(error) => match error.as_service_error() {
                // It was there a moment ago: somebody has deleted it, or this very call, sent twice by the SDK.
                Some(DeleteItemError::ConditionalCheckFailedException(refused))
                    if refused.item().is_none() =>
                {
                    Replaced::Stored
                }
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) => {
                    conflict::<TaskItem, _>(OPERATION, refused.item().cloned())?
                }
                _ => return Err(port_error(OPERATION)(error)),
            },
        };
        self.after_deletion(&replaced, id, comments).await;
        Ok(replaced)
    }
}

impl DynamoDb {
    /// One item of the accounts table, and some of the tasks table by their keys, in one call (consistent reads).
    async fn get_from_both(
        &self,
        operation: &'static str,
        account: (String, String),
        tasks: Vec<(String, String)>,
    ) -> Result<(Option<Item>, HashMap<(String, String), Item>), PortError> {
        let wanted = |all: Vec<(String, String)>| {
            KeysAndAttributes::builder()
                .set_keys(Some(all.into_iter().map(key).collect()))
                .consistent_read(true)
                .build()
                .map_err(|e| unbuildable(operation, e))
        };
        let request = HashMap::from([
            (self.tasks.clone(), wanted(tasks.clone())?),
            (self.accounts.clone(), wanted(vec![account.clone()])?),
        ]);
        let answer = self.client.batch_get_item().set_request_items(Some(request)).send_boxed().await;
        let answer = answer.map_err(port_error(operation))?;
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            // So few items never exceed the size of one answer, so this is throttling: ask again singly, which
            // the SDK retries with backoff.
            let mut found = HashMap::new();
            for of in tasks {
                found
                    .extend(self.get(operation, &self.tasks, of.clone()).await?.map(|item| (of, item)));
            }
            return Ok((self.get(operation, &self.accounts, account).await?, found));
        }
        let mut found = answer.responses.unwrap_or_default();
        let profile = found.remove(&self.accounts).and_then(|mut items| items.pop());
        let items = found.remove(&self.tasks).unwrap_or_default().into_iter();
        let keyed = items.filter_map(|item| {
            let text_of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            Some(((text_of(keys::PK)?, text_of(keys::SK)?), item))
        });
        Ok((profile, keyed.collect()))
    }

    /// Deletes the comments of a task that is gone. Nobody can reach them any more, so it is no failure of the
    /// deletion if that does not succeed.
    async fn after_deletion(&self, replaced: &Replaced<Task>, id: TaskId, comments: bool) {
        if !comments || *replaced != Replaced::Stored {
            return;
        }
        const OPERATION: &str = "deleting the comments of a task";
        let comments = keys::all_comments_of(id);
        if let Err(error) = self.delete_partition(OPERATION, &self.tasks, comments).await {
            tracing::error!(task = %id, %error, "comments of a deleted task are left");
        }
    }

    /// Stores the record of an idempotency key, unless there is one that has not expired.
    fn put_record(
        &self,
        operation: &'static str,
        record: &IdempotencyRecord,
    ) -> Result<TransactWriteItem, PortError> {
        let place = keys::idempotency(record.user, &record.key_hash);
        let put = Put::builder()
            .table_name(&self.tasks)
            .set_item(Some(item(operation, place, &IdempotencyItem::from(record))?))
            .condition_expression("attribute_not_exists(#pk) OR #expires_at <= :now")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":now", number(record.created_at.as_second()))
            .return_values_on_condition_check_failure(AllOld)
            .build()
            .map_err(|e| unbuildable(operation, e))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Carries out actions together with the record of an idempotency key; nothing if another of their conditions
    /// fails than that of the record.
    pub(super) async fn transact_recorded(
        &self,
        operation: &'static str,
        mut actions: Vec<TransactWriteItem>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        if let Some(record) = record {
            actions.insert(0, self.put_record(operation, record)?);
        }
        let reasons = match self.transact(operation, actions).await? {
            Transacted::Done => return Ok(Some(Created::Stored)),
            Transacted::Refused(reasons) => reasons,
        };
        match reasons.into_iter().next().flatten().flatten().filter(|_| record.is_some()) {
            Some(used) => read::<IdempotencyItem, _>(operation, used).map(Created::Replayed).map(Some),
            None => Ok(None),
        }
    }

    /// Stores a new task by itself, for half the price of a transaction.
    async fn create_alone(&self, stored: Item) -> Result<Created, PortError> {
        const OPERATION: &str = "creating a task";
        let put = self
            .client
            .put_item()
            .table_name(&self.tasks)
            .set_item(Some(stored))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK);
        match put.send_boxed().await {
            Ok(_) => Ok(Created::Stored),
            Err(error) => match error.as_service_error() {
                // Ids are unique, so it is there by this very call: its answer was lost, and the SDK has sent
                // it again.
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Created::Stored),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }

    pub(super) fn put_notification(
        &self,
        operation: &'static str,
        notification: Option<&Notification>,
    ) -> Result<Option<TransactWriteItem>, PortError> {
        let Some(notification) = notification else { return Ok(None) };
        let stored = item(
            operation,
            keys::notification(notification.id),
            &NotificationItem::from(notification),
        )?;
        put(operation, &self.tasks, stored, When::Absent).map(Some)
    }
}
