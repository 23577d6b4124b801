//! Tasks by id, and their changes.

use aws_sdk_dynamodb::{
    operation::{delete_item::DeleteItemError, put_item::PutItemError},
    types::ReturnValuesOnConditionCheckFailure::AllOld,
};
use taskbell_domain::{
    id::TaskId,
    list::{TaskPage, TaskQuery},
    notification::Notification,
    ports::{
        AtomicExtras, Created, IdempotencyRecord, PortError, Replaced, TaskChanges, TaskCreation,
        TaskReads,
    },
    task::Task,
};

use super::{
    DynamoDb, Item,
    items::{TaskItem, build_item, parse_item},
    key_attributes, keys, number, text,
    write::{Condition, conflict, delete, put},
};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

impl TaskReads for DynamoDb {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        const OPERATION: &str = "reading a task";
        let found = self.get_item(OPERATION, &self.tasks, keys::task(id)).await?;
        found.map(|item| parse_item::<TaskItem, _>(OPERATION, item)).transpose()
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        self.list_tasks(query).await
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
        let stored = build_item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        if record.is_none() && notification.is_none() {
            return self.put_new_task(stored).await;
        }
        let mut actions = vec![put(OPERATION, &self.tasks, stored, Condition::NotExists)?];
        actions.extend(self.put_notification(OPERATION, notification)?);
        match self.transact_with_record(OPERATION, actions, record).await? {
            Some(created) => Ok(created),
            None => Err(corrupt(OPERATION, "the id exists")),
        }
    }
}

impl TaskChanges for DynamoDb {
    async fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: AtomicExtras<'_>,
    ) -> Result<Replaced<Task>, PortError> {
        const OPERATION: &str = "changing a task";
        let stored = build_item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        let condition = Condition::Revision(expected);
        if also.next.is_none() && also.notification.is_none() && also.record.is_none() {
            return self.replace_item::<TaskItem, _>(OPERATION, &self.tasks, stored, condition).await;
        }
        let mut actions = vec![put(OPERATION, &self.tasks, stored, condition)?];
        if let Some(next) = also.next {
            let next = build_item(OPERATION, keys::task(next.id), &TaskItem::from(next))?;
            actions.push(put(OPERATION, &self.tasks, next, Condition::NotExists)?);
        }
        actions.extend(self.put_notification(OPERATION, also.notification)?);
        let record = also.record.map(|record| self.put_idempotency_record(OPERATION, record));
        actions.extend(record.transpose()?);
        self.transact_replace::<TaskItem, _>(OPERATION, actions).await
    }

    async fn task_and_comments(&self, id: TaskId) -> Result<(Option<Task>, bool), PortError> {
        const OPERATION: &str = "reading a task and whether it has comments";
        let (partition, sort) = keys::task(id);
        // In descending order the task is the first item, and the last comment or the number of comments the second.
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
        let task = tasks.into_iter().next().map(|item| parse_item::<TaskItem, _>(OPERATION, item));
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
            let deletion =
                delete(OPERATION, &self.tasks, keys::task(id), Condition::Revision(expected))?;
            let record = self.put_idempotency_record(OPERATION, record)?;
            let replaced =
                self.transact_replace::<TaskItem, _>(OPERATION, vec![deletion, record]).await?;
            self.delete_comments_of(&replaced, id, comments).await;
            return Ok(replaced);
        }
        let result = self
            .client
            .delete_item()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::task(id))))
            .condition_expression("#revision = :expected")
            .expression_attribute_names("#revision", keys::REVISION)
            .expression_attribute_values(":expected", number(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send_boxed()
            .await;
        let replaced = match result {
            Ok(_) => Replaced::Stored,
            Err(error) => match error.as_service_error() {
                // The caller has read it before: it was deleted meanwhile, perhaps by this call, which the SDK sent again.
                Some(DeleteItemError::ConditionalCheckFailedException(failed))
                    if failed.item().is_none() =>
                {
                    Replaced::Stored
                }
                Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                    conflict::<TaskItem, _>(OPERATION, failed.item().cloned())?
                }
                _ => return Err(port_error(OPERATION)(error)),
            },
        };
        self.delete_comments_of(&replaced, id, comments).await;
        Ok(replaced)
    }
}

impl DynamoDb {
    /// Deletes the comments of a task that was deleted. A failure is logged only: nobody can read the comments any more.
    async fn delete_comments_of(&self, replaced: &Replaced<Task>, id: TaskId, comments: bool) {
        if !comments || *replaced != Replaced::Stored {
            return;
        }
        const OPERATION: &str = "deleting the comments of a task";
        let comments = keys::all_comments_of(id);
        if let Err(error) = self.delete_partition(OPERATION, &self.tasks, comments).await {
            tracing::error!(task = %id, %error, "comments of a deleted task were not deleted");
        }
    }

    /// Stores a new task without a transaction, which would cost twice as many write units.
    async fn put_new_task(&self, stored: Item) -> Result<Created, PortError> {
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
                // Ids are unique, so this call has stored it: the SDK sent it again after a lost answer.
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Created::Stored),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}
