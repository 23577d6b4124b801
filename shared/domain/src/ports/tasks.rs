//! Tasks.

use std::future::Future;

use super::{
    Created, IdempotencyRecord, IdempotencyRecords, Memberships, PortError, Profiles, Quotas, Replaced,
};
use crate::{
    id::TaskId,
    list::{TaskPage, TaskQuery},
    notification::Notification,
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
