//! Tasks, their comments, and what is counted of them.

use std::future::Future;

use crate::{
    comment::Comment,
    id::{CommentId, SpaceId, TaskId, UserId},
    list::{TaskPage, TaskQuery},
    notification::Notification,
    statistics::{Contribution, CounterGroup, CounterGroups, Counters},
    task::Task,
    user::User,
};

use super::{
    Created, IdempotencyRecord, IdempotencyRecords, Memberships, PortError, Profiles, Replaced,
};

/// What is stored together with a changed task, or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtomicExtras<'a> {
    /// The occurrence that its completion made.
    pub next: Option<&'a Task>,
    /// The notification that tells of the change.
    pub notification: Option<&'a Notification>,
    /// The record of the idempotency key of the request. Is there one already, nothing is stored, and that is
    /// an error which passes: the same request is being carried out elsewhere.
    pub record: Option<&'a IdempotencyRecord>,
}

/// Reads tasks, and who may see them.
pub trait TaskReads: Memberships {
    /// The task as it is now (a consistent read), or nothing.
    fn task(&self, id: TaskId) -> impl Future<Output = Result<Option<Task>, PortError>> + Send;

    /// One page of a list. It may lag behind the latest changes by a moment.
    fn list(&self, query: &TaskQuery) -> impl Future<Output = Result<TaskPage, PortError>> + Send;
}

/// A page of comments, and the last one of it if there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentPage {
    /// The comments, the oldest first.
    pub items: Vec<Comment>,
    /// Behind which the next page begins.
    pub next: Option<CommentId>,
}

/// What came of storing a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// It is there, or another one under the same idempotency key.
    Created(Created),
    /// The task is gone.
    NoTask,
    /// The task has as many comments as it can have.
    Full,
}

/// Keeps comments.
pub trait Comments: TaskReads + IdempotencyRecords {
    /// Stores a new comment, if its task is there and has room for it, and the record of its idempotency key.
    fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Commented, PortError>> + Send;

    /// A comment of a task (a consistent read), or nothing.
    fn comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<Option<Comment>, PortError>> + Send;

    /// Comments of a task, behind one of them (a consistent read).
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

    /// Deletes a comment. That it is gone already is no error.
    fn delete_comment(
        &self,
        task: TaskId,
        id: CommentId,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Keeps count of tasks.
pub trait StatisticsUpdates: Send + Sync {
    /// Lets the numbers of a space say what a task counts as now. Contribution twice, it counts once; what is older than
    /// what has been counted is passed over.
    fn record_contribution(
        &self,
        counted: &Contribution,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// A page of counter_groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterGroupPage {
    /// The counter_groups in their order, those without tasks left out.
    pub items: Vec<(CounterGroup, Counters)>,
    /// The last one that was looked at, if there may be more behind it.
    pub next: Option<CounterGroup>,
}

/// Reads what is counted. It lags behind the latest changes by moments.
pub trait StatisticsReads: Memberships + Quotas {
    /// CounterGroups of a space behind one of them; all that go into one answer of the store if there is no limit.
    fn counter_groups(
        &self,
        space: SpaceId,
        of: CounterGroups,
        after: Option<CounterGroup>,
        limit: Option<u8>,
    ) -> impl Future<Output = Result<CounterGroupPage, PortError>> + Send;
}

/// Knows how much is in a space.
pub trait Quotas: Send + Sync {
    /// The numbers of all its tasks. They lag behind the latest changes by moments.
    fn numbers(&self, space: SpaceId) -> impl Future<Output = Result<Counters, PortError>> + Send;

    /// A profile, and the numbers of a space, in one call.
    fn user_and_numbers(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> impl Future<Output = Result<(Option<User>, Counters), PortError>> + Send;
}

/// Creates tasks.
pub trait TaskCreation: TaskReads + Profiles + Quotas + IdempotencyRecords {
    /// Stores a new task, together with the record of its idempotency key and the notification that tells of it: all
    /// or nothing. An older record that has expired when this one is made does not count.
    fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;
}

/// Changes tasks.
pub trait TaskChanges: TaskReads + Quotas {
    /// The task, a profile, and the numbers of that user's personal space, in one call.
    fn task_user_and_numbers(
        &self,
        task: TaskId,
        user: UserId,
    ) -> impl Future<Output = Result<(Option<Task>, Option<User>, Counters), PortError>> + Send;

    /// Stores a task if the stored one still has the version `expected`, with all that goes alongside it.
    fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: AtomicExtras<'_>,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;

    /// The task as it is now (a consistent read), and whether there are comments on it.
    fn task_and_comments(
        &self,
        id: TaskId,
    ) -> impl Future<Output = Result<(Option<Task>, bool), PortError>> + Send;

    /// Deletes a task if it still has the version `expected`, together with a record as in [`AtomicExtras`], and
    /// then its comments, if it has any. One that is gone already counts as deleted.
    fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;
}
