//! Comments. They are in the partition of their task, with an item that counts them.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use taskbell_domain::{
    comment::{Comment, MAX_COMMENTS},
    id::{CommentId, TaskId},
    ports::{CommentPage, Commented, Comments, IdempotencyRecord, PortError, Replaced},
};

use super::{
    DynamoDb,
    items::{CommentItem, build_item, format_attribute, parse_item},
    key_attributes, keys, number, text,
    write::{Condition, delete, put},
};
use crate::{
    error::{invalid_request, port_error},
    send_boxed::SendBoxed,
};

/// The attribute with the number of comments on a task.
const COUNT: &str = "count";

impl Comments for DynamoDb {
    async fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Commented, PortError> {
        const OPERATION: &str = "creating a comment";
        let stored = build_item(
            OPERATION,
            keys::comment(comment.task, comment.id),
            &CommentItem::from(comment),
        )?;
        let task_exists = ConditionCheck::builder()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::task(comment.task))))
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .build()
            .map_err(|e| invalid_request(OPERATION, e))?;
        let count = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::comment_count(comment.task))))
            .update_expression("SET #format = :format ADD #count :one")
            .condition_expression("attribute_not_exists(#count) OR #count < :max")
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":format", format_attribute())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_COMMENTS))
            .build()
            .map_err(|e| invalid_request(OPERATION, e))?;
        let actions = vec![
            TransactWriteItem::builder().condition_check(task_exists).build(),
            put(OPERATION, &self.tasks, stored, Condition::NotExists)?,
            TransactWriteItem::builder().update(count).build(),
        ];
        if let Some(created) = self.transact_with_record(OPERATION, actions, record).await? {
            return Ok(Commented::Created(created));
        }
        let task_exists =
            self.get_item(OPERATION, &self.tasks, keys::task(comment.task)).await?.is_some();
        Ok(if task_exists { Commented::Full } else { Commented::NoTask })
    }

    async fn comment(&self, task: TaskId, id: CommentId) -> Result<Option<Comment>, PortError> {
        const OPERATION: &str = "reading a comment";
        let found = self.get_item(OPERATION, &self.tasks, keys::comment(task, id)).await?;
        found.map(|item| parse_item::<CommentItem, _>(OPERATION, item)).transpose()
    }

    async fn comments(
        &self,
        task: TaskId,
        after: Option<CommentId>,
        limit: u8,
    ) -> Result<CommentPage, PortError> {
        const OPERATION: &str = "listing comments";
        let (partition, prefix) = keys::comments_of(task);
        let answer = self
            .client
            .query()
            .table_name(&self.tasks)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|id| key_attributes(keys::comment(task, id))))
            .limit(limit.into())
            .send_boxed()
            .await
            .map_err(port_error(OPERATION))?;
        let has_next = answer.last_evaluated_key.is_some();
        let items = answer.items.unwrap_or_default().into_iter();
        let items = items.map(|item| parse_item::<CommentItem, Comment>(OPERATION, item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(CommentPage { next: items.last().map(|last| last.id).filter(|_| has_next), items })
    }

    async fn replace_comment(
        &self,
        comment: &Comment,
        expected: u64,
    ) -> Result<Replaced<Comment>, PortError> {
        const OPERATION: &str = "changing a comment";
        let stored = build_item(
            OPERATION,
            keys::comment(comment.task, comment.id),
            &CommentItem::from(comment),
        )?;
        self.replace_item::<CommentItem, _>(
            OPERATION,
            &self.tasks,
            stored,
            Condition::Version(expected),
        )
        .await
    }

    async fn delete_comment(&self, task: TaskId, id: CommentId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting a comment";
        // The count can become negative: comments from before they were counted are not in it.
        let count = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::comment_count(task))))
            .update_expression("SET #format = :format ADD #count :minus_one")
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":format", format_attribute())
            .expression_attribute_values(":minus_one", number(-1))
            .build()
            .map_err(|e| invalid_request(OPERATION, e))?;
        let actions = vec![
            delete(OPERATION, &self.tasks, keys::comment(task, id), Condition::Exists)?,
            TransactWriteItem::builder().update(count).build(),
        ];
        // If the condition fails, the comment was deleted already.
        self.transact(OPERATION, actions).await.map(drop)
    }
}
