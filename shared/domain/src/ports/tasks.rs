//! Tasks.

use std::future::Future;

use super::{
    Created, IdempotencyRecord, IdempotencyRecords, Memberships, PortError, Profiles, Quotas, Replaced,
};
use crate::{
    id::{SpaceId, TaskId, UserId},
    list::{TaskPage, TaskQuery},
    notification::Notification,
    space::Role,
    task::Task,
};

/// Reads tasks and memberships.
pub trait TaskReads: Memberships {
    /// A task, or `None`. Strongly consistent.
    fn task(&self, id: TaskId) -> impl Future<Output = Result<Option<Task>, PortError>> + Send;

    /// One page of a list, of tasks without the state of their deliveries ([`Task::listed`]). Eventually consistent.
    fn list(&self, query: &TaskQuery) -> impl Future<Output = Result<TaskPage, PortError>> + Send;
}

/// Creates tasks.
pub trait TaskCreation: TaskReads + Profiles + Quotas + IdempotencyRecords {
    /// Stores a new task, its idempotency record and a notification in one transaction. A record that has expired when the
    /// new one is created is ignored.
    fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notification: Option<&Notification>,
    ) -> impl Future<Output = Result<Created, PortError>> + Send;
}

/// What is stored in one transaction with a changed task.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtomicExtras<'a> {
    /// The next occurrence, created by the completion of the task.
    pub next: Option<&'a Task>,
    /// A notification about the change.
    pub notification: Option<&'a Notification>,
    /// The idempotency record of the request. If it exists already, nothing is stored and the error is transient: another
    /// worker is processing the same request.
    pub record: Option<&'a IdempotencyRecord>,
}

/// Changes tasks.
pub trait TaskChanges: TaskReads + Profiles + Quotas {
    /// Stores a task if the stored one still has the revision `expected`, in one transaction with `also`.
    fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: AtomicExtras<'_>,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;

    /// A task, and whether it has comments. Strongly consistent.
    fn task_and_comments(
        &self,
        id: TaskId,
    ) -> impl Future<Output = Result<(Option<Task>, bool), PortError>> + Send;

    /// Deletes a task if it still has the revision `expected`, in one transaction with a record as in [`AtomicExtras`]. Then
    /// deletes its comments if `comments` is set. A missing task counts as deleted.
    fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
    ) -> impl Future<Output = Result<Replaced<Task>, PortError>> + Send;
}

/// A move of a task to another space, and what must hold when it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskMove<'a> {
    /// The task in its new space.
    pub task: &'a Task,
    /// The revision that the stored task must have.
    pub expected: u64,
    /// The space that it leaves. Both spaces must exist, and neither may be being deleted.
    pub from: SpaceId,
    /// Members of shared spaces, each once, who must have the roles that they were read with.
    pub members: &'a [(SpaceId, UserId, Role)],
    /// A record as in [`AtomicExtras`].
    pub record: Option<&'a IdempotencyRecord>,
}

/// The result of moving a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It was stored.
    Stored,
    /// It was not stored, because the stored task has another revision: this one, or `None` if it was deleted.
    Conflict(Option<Box<Task>>),
    /// It was not stored, because a space or a member is not what it was when it was read.
    Outdated,
}

/// Moves tasks between spaces.
pub trait TaskMoves: TaskChanges {
    /// Stores a task in another space, in one transaction with the checks of what must hold. So a task cannot move into a
    /// space that is being deleted, where nobody would find it, nor out of one, whose contents are about to be deleted.
    fn move_task(&self, moved: TaskMove<'_>) -> impl Future<Output = Result<Moved, PortError>> + Send;
}
