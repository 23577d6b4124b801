//! Comments, in the partition of their task.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use taskbell_domain::{
    comment::Comment,
    id::{CommentId, TaskId},
    ports::{CommentPage, Comments, Created, IdempotencyRecord, PortError, Replaced},
};

use super::{
    DynamoDb,
    items::{CommentItem, item, read},
    key, keys, text,
    write::{When, put},
};
use crate::{
    error::{port_error, unbuildable},
    sent::Sent,
};

impl Comments for DynamoDb {
    async fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
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
        let actions = vec![
            TransactWriteItem::builder().condition_check(task_stands).build(),
            put(OPERATION, &self.tasks, stored, When::Absent)?,
        ];
        self.transact_recorded(OPERATION, actions, record).await
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
            .sent()
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
        let of = key(keys::comment(task, id));
        let delete = self.client.delete_item().table_name(&self.tasks).set_key(Some(of));
        delete.sent().await.map(drop).map_err(port_error(OPERATION))
    }
}
