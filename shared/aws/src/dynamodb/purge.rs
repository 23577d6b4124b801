//! Deleting the tasks of a space that is being deleted.

use futures_util::future::try_join_all;
use taskbell_domain::{
    id::{SpaceId, TaskId},
    ports::PortError,
};

use super::{
    DynamoDb, Item,
    keys::{self, BY_CREATED},
    text,
    write::MAX_BATCH_WRITE,
};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

/// For how many tasks at a time comments are deleted: each call may need its own connection.
const CONCURRENT_TASKS: usize = 8;

impl DynamoDb {
    /// Deletes the tasks of a space that the index shows, each after its comments. Returns whether it showed any that are
    /// there.
    ///
    /// The index lags, so it may show tasks that have moved to another space. None moves any more since the space is marked
    /// as being deleted, and those that moved before are left alone.
    pub(super) async fn delete_tasks(
        &self,
        operation: &'static str,
        space: SpaceId,
    ) -> Result<bool, PortError> {
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
                .limit(MAX_BATCH_WRITE as i32)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(operation))?;
            let shown = page.items.unwrap_or_default();
            let tasks = shown.iter().map(|item| task_of(operation, item)).collect::<Result<_, _>>()?;
            let tasks = self.tasks_in(operation, space, tasks).await?;
            found |= !tasks.is_empty();
            for chunk in tasks.chunks(CONCURRENT_TASKS) {
                let comments = chunk.iter().map(|task| {
                    self.delete_partition(operation, &self.tasks, keys::all_comments_of(*task))
                });
                try_join_all(comments).await?;
            }
            let tasks = tasks.into_iter().map(keys::task).collect();
            self.batch_delete(operation, &self.tasks, tasks).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Those of the tasks that are in a space, by a consistent read.
    async fn tasks_in(
        &self,
        operation: &'static str,
        space: SpaceId,
        tasks: Vec<TaskId>,
    ) -> Result<Vec<TaskId>, PortError> {
        let keys = tasks.into_iter().map(keys::task).collect();
        let partition = text(keys::space_partition(space));
        let mut found = self.get_items(operation, &self.tasks, keys).await?;
        found.retain(|item| item.get(BY_CREATED.partition) == Some(&partition));
        found.iter().map(|item| task_of(operation, item)).collect()
    }
}

/// The task that an item is in the partition of.
fn task_of(operation: &'static str, item: &Item) -> Result<TaskId, PortError> {
    let partition = item.get(keys::PK).and_then(|value| value.as_s().ok());
    let id = partition.and_then(|partition| keys::task_of(partition));
    id.ok_or_else(|| corrupt(operation, keys::PK))
}
