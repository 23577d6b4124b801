//! Comments on tasks.

use std::future::Future;

use super::{Created, IdempotencyRecord, IdempotencyRecords, PortError, Replaced, TaskReads};
use crate::{
    comment::Comment,
    id::{CommentId, TaskId},
};

/// A page of comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentPage {
    /// The comments, oldest first.
    pub items: Vec<Comment>,
    /// The last comment of the page. `None` on the last page.
    pub next: Option<CommentId>,
}

/// The result of adding a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// The comment was stored, or one with the same idempotency key exists.
    Created(Created),
    /// The task does not exist.
    NoTask,
    /// The task has the maximum number of comments.
    Full,
}

/// Stores comments.
pub trait Comments: TaskReads + IdempotencyRecords {
    /// Stores a comment and its idempotency record in one transaction, if the task exists and is below the limit.
    fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Commented, PortError>> + Send;

    /// A comment on a task, or `None`. Strongly consistent.
    fn comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<Option<Comment>, PortError>> + Send;

    /// The comments on a task after `after`. Strongly consistent.
    fn comments(
        &self,
        task: TaskId,
        after: Option<CommentId>,
        limit: u8,
    ) -> impl Future<Output = Result<CommentPage, PortError>> + Send;

    /// Stores a comment if the stored one still has the version `expected`.
    fn replace_comment(
        &self,
        comment: &Comment,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Comment>, PortError>> + Send;

    /// Deletes a comment. A missing comment is not an error.
    fn delete_comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
