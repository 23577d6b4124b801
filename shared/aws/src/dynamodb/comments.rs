//! Comments, in the partition of their task.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use taskbell_domain::{
    comment::{Comment, MAX_COMMENTS},
    id::{CommentId, TaskId},
    ports::{CommentPage, Commented, Comments, IdempotencyRecord, PortError, Replaced},
};

use super::{
    DynamoDb,
    items::{CommentItem, format, item, read},
    key, keys, number, text,
    write::{When, delete, put},
};
use crate::{
    error::{port_error, unbuildable},
    send_boxed::SendBoxed,
};

/// The attribute with the number of a task's comments.
const COUNT: &str = "count";

impl Comments for DynamoDb {
    async fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Commented, PortError> {
        const OPERATION: &str = "adding a comment";
        let stored =
            item(OPERATION, keys::comment(comment.task, comment.id), &CommentItem::from(comment))?;
        let task_stands = ConditionCheck::builder()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::task(comment.task))))
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .build()
            .map_err(|e| unbuildable(OPERATION, e))?;
        let counted = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::comment_count(comment.task))))
            .update_expression("SET #format = :format ADD #count :one")
            .condition_expression("attribute_not_exists(#count) OR #count < :most")
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":format", format())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(MAX_COMMENTS))
            .build()
            .map_err(|e| unbuildable(OPERATION, e))?;
        let actions = vec![
            TransactWriteItem::builder().condition_check(task_stands).build(),
            put(OPERATION, &self.tasks, stored, When::Absent)?,
            TransactWriteItem::builder().update(counted).build(),
        ];
        if let Some(created) = self.transact_recorded(OPERATION, actions, record).await? {
            return Ok(Commented::Created(created));
        }
        let stands = self.get(OPERATION, &self.tasks, keys::task(comment.task)).await?.is_some();
        Ok(if stands { Commented::Full } else { Commented::NoTask })
    }

    async fn comment(&self, task: TaskId, id: CommentId) -> Result<Option<Comment>, PortError> {
        const OPERATION: &str = "reading a comment";
        let found = self.get(OPERATION, &self.tasks, keys::comment(task, id)).await?;
        found.map(|item| read::<CommentItem, _>(OPERATION, item)).transpose()
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
            .set_exclusive_start_key(after.map(|id| key(keys::comment(task, id))))
            .limit(limit.into())
            .send_boxed()
            .await
            .map_err(port_error(OPERATION))?;
        let more = answer.last_evaluated_key.is_some();
        let items = answer.items.unwrap_or_default().into_iter();
        let items = items.map(|item| read::<CommentItem, Comment>(OPERATION, item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(CommentPage { next: items.last().map(|last| last.id).filter(|_| more), items })
    }

    async fn replace_comment(
        &self,
        comment: &Comment,
        expected: u64,
    ) -> Result<Replaced<Comment>, PortError> {
        const OPERATION: &str = "changing a comment";
        let stored =
            item(OPERATION, keys::comment(comment.task, comment.id), &CommentItem::from(comment))?;
        self.replace_item::<CommentItem, _>(OPERATION, &self.tasks, stored, expected).await
    }

    async fn delete_comment(&self, task: TaskId, id: CommentId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting a comment";
        // Comments that were made before they were counted leave room for as many more.
        let counted = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::comment_count(task))))
            .update_expression("SET #format = :format ADD #count :one_less")
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":format", format())
            .expression_attribute_values(":one_less", number(-1))
            .build()
            .map_err(|e| unbuildable(OPERATION, e))?;
        let actions = vec![
            delete(OPERATION, &self.tasks, keys::comment(task, id), When::Present)?,
            TransactWriteItem::builder().update(counted).build(),
        ];
        // Refused, it is gone already.
        self.transact(OPERATION, actions).await.map(drop)
    }
}
