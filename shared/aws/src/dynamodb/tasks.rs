//! Tasks by id, and every change of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError,
        transact_write_items::TransactWriteItemsError,
    },
    types::{KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem},
};
use jiff::Timestamp;
use taskbell_domain::{
    id::{TaskId, UserId},
    list::{TaskPage, TaskQuery},
    ports::{
        Created, IdempotencyRecord, PortError, Profiles, Replaced, TaskChanges, TaskCreation, TaskReads,
    },
    task::Task,
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{IdempotencyItem, TaskItem, UserItem, item, read},
    key, keys, number,
};
use crate::error::{port_error, unbuildable};

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

impl TaskCreation for DynamoDb {
    async fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        now: Timestamp,
    ) -> Result<Created, PortError> {
        const OPERATION: &str = "creating a task";
        let stored = item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        let Some(record) = record else {
            let put = self
                .client
                .put_item()
                .table_name(&self.tasks)
                .set_item(Some(stored))
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", keys::PK);
            return match put.send().await {
                Ok(_) => Ok(Created::Done),
                Err(error) => match error.as_service_error() {
                    // Ids are unique, so it is there by this very call: its answer was lost, and the SDK has
                    // sent it again.
                    Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Created::Done),
                    _ => Err(port_error(OPERATION)(error)),
                },
            };
        };
        let new = Put::builder()
            .table_name(&self.tasks)
            .set_item(Some(stored))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .build()
            .map_err(|e| unbuildable(OPERATION, e))?;
        let record_key = keys::idempotency(record.user, &record.key_hash);
        let unused = Put::builder()
            .table_name(&self.tasks)
            .set_item(Some(item(OPERATION, record_key, &IdempotencyItem::from(record))?))
            .condition_expression("attribute_not_exists(#pk) OR #expires_at <= :now")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(AllOld)
            .build()
            .map_err(|e| unbuildable(OPERATION, e))?;
        let result = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(unused).build())
            .transact_items(TransactWriteItem::builder().put(new).build())
            .send()
            .await;
        match result {
            Ok(_) => Ok(Created::Done),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                    let reason = canceled.cancellation_reasons().first();
                    match reason.and_then(|reason| reason.item().cloned()) {
                        Some(used) => read::<IdempotencyItem, _>(OPERATION, used).map(Created::KeyUsed),
                        None => Err(port_error(OPERATION)(error)),
                    }
                }
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}

impl TaskChanges for DynamoDb {
    async fn task_and_user(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>), PortError> {
        const OPERATION: &str = "reading a task and a profile";
        let wanted = |of| {
            KeysAndAttributes::builder()
                .keys(key(of))
                .consistent_read(true)
                .build()
                .map_err(|e| unbuildable(OPERATION, e))
        };
        let request = HashMap::from([
            (self.tasks.clone(), wanted(keys::task(task))?),
            (self.accounts.clone(), wanted(keys::profile(user))?),
        ]);
        let answer = self.client.batch_get_item().set_request_items(Some(request)).send().await;
        let answer = answer.map_err(port_error(OPERATION))?;
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            // Two items never exceed the size of one answer, so this is throttling: ask again singly,
            // which the SDK retries with backoff.
            return Ok((self.task(task).await?, self.user(user).await?));
        }
        let mut found = answer.responses.unwrap_or_default();
        let mut first = |table: &str| found.remove(table).and_then(|mut items| items.pop());
        let task = first(&self.tasks).map(|item| read::<TaskItem, _>(OPERATION, item)).transpose()?;
        let user =
            first(&self.accounts).map(|item| read::<UserItem, _>(OPERATION, item)).transpose()?;
        Ok((task, user))
    }

    async fn replace(&self, task: &Task, expected: u64) -> Result<Replaced<Task>, PortError> {
        const OPERATION: &str = "changing a task";
        let result = self
            .client
            .put_item()
            .table_name(&self.tasks)
            .set_item(Some(item(OPERATION, keys::task(task.id), &TaskItem::from(task))?))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", keys::VERSION)
            .expression_attribute_values(":expected", number(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Replaced::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    conflict(OPERATION, refused.item())
                }
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }

    async fn delete(&self, id: TaskId, expected: u64) -> Result<Replaced<Task>, PortError> {
        const OPERATION: &str = "deleting a task";
        let result = self
            .client
            .delete_item()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::task(id))))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", keys::VERSION)
            .expression_attribute_values(":expected", number(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Replaced::Done),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) => {
                    conflict(OPERATION, refused.item())
                }
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}

fn conflict(operation: &'static str, present: Option<&Item>) -> Result<Replaced<Task>, PortError> {
    let present = present.cloned().map(|item| read::<TaskItem, _>(operation, item)).transpose()?;
    Ok(Replaced::Conflict(present.map(Box::new)))
}
