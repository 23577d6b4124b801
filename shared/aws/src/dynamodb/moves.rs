//! Moving tasks between spaces.
//!
//! Only the item of the task changes: its index keys, so that lists of the other space show it. Comments are in the
//! partition of the task and stay there. Statistics and change feeds follow from the stream.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, TransactWriteItem, builders::ConditionCheckBuilder,
};
use taskbell_domain::{
    id::SpaceId,
    ports::{Moved, PortError, Replaced, TaskMove, TaskMoves},
};

use super::{
    DynamoDb, Key,
    items::{TaskItem, build_item},
    key_attributes, keys, text,
    write::{Condition, TransactionResult, conflict, put},
};
use crate::error::{in_progress, invalid_request};

const OPERATION: &str = "moving a task";

impl TaskMoves for DynamoDb {
    async fn move_task(&self, moved: TaskMove<'_>) -> Result<Moved, PortError> {
        let TaskMove { task, expected, from, members, record } = moved;
        let stored = build_item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        let mut actions = vec![put(OPERATION, &self.tasks, stored, Condition::Revision(expected))?];
        for space in [from, task.space] {
            actions.push(self.space_remains(space)?);
        }
        for (space, user, role) in members {
            let check = self.check(keys::member(*space, *user));
            let check = check
                .condition_expression("#role = :role")
                .expression_attribute_names("#role", "role")
                .expression_attribute_values(":role", text(role.as_str()));
            actions.push(action(check)?);
        }
        let record = record.map(|record| self.put_idempotency_record(OPERATION, record)).transpose()?;
        let has_record = record.is_some();
        actions.extend(record);
        let failed = match self.transact(OPERATION, actions).await? {
            TransactionResult::Committed => return Ok(Moved::Stored),
            TransactionResult::ConditionFailed(failed) => failed,
        };
        if let Some(Some(stored)) = failed.first() {
            return Ok(match conflict::<TaskItem, _>(OPERATION, stored.clone())? {
                Replaced::Conflict(present) => Moved::Conflict(present),
                Replaced::Stored => Moved::Stored,
            });
        }
        match has_record && failed.last().is_some_and(Option::is_some) {
            true => Err(in_progress(OPERATION)),
            false => Ok(Moved::Outdated),
        }
    }
}

impl DynamoDb {
    fn check(&self, key: Key) -> ConditionCheckBuilder {
        ConditionCheck::builder().table_name(&self.tasks).set_key(Some(key_attributes(key)))
    }

    /// The check that a space exists and is not being deleted. The item of a personal space has no such attribute.
    fn space_remains(&self, space: SpaceId) -> Result<TransactWriteItem, PortError> {
        let check = self.check(keys::space(space));
        action(
            check
                .condition_expression(
                    "attribute_exists(#pk) AND (attribute_not_exists(#deleting) OR #deleting = :no)",
                )
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#deleting", "deleting")
                .expression_attribute_values(":no", AttributeValue::Bool(false)),
        )
    }
}

fn action(check: ConditionCheckBuilder) -> Result<TransactWriteItem, PortError> {
    let check = check.build().map_err(|e| invalid_request(OPERATION, e))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}
