//! Changes of a task that the caller may change.

use http::StatusCode;
use taskbell_domain::{
    id::{TaskId, UserId},
    policy::Action,
    ports::{AtomicExtras, IdempotencyRecord, RateLimits, TaskChanges, TimerQueue},
    task::{Task, TaskChange},
};

use super::{permitted, view};
use crate::{
    assignments::{InheritedAssignment, assignment},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Preconditions, Problem, Reply},
    update::{Update, is_own},
};

/// Changes the task in the path, and responds with it.
///
/// # Errors
/// 403, 404, 412, 429, those of `change`.
pub(super) async fn change_task(
    call: &Call<'_>,
    store: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    change: impl Fn(&mut Task) -> Result<TaskChange, Problem>,
) -> Result<Reply, Problem> {
    let found = store.task(call.path_id("task_id")?).await?;
    let task = permitted(store, found, call.caller()?, Action::WriteTasks).await?;
    change_found(call, store, queue, task, change).await
}

/// Changes a task that was just read and that the caller may change, and responds with it.
///
/// # Errors
/// 412, 429, those of `change`.
pub(super) async fn change_found(
    call: &Call<'_>,
    store: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    task: Task,
    change: impl Fn(&mut Task) -> Result<TaskChange, Problem>,
) -> Result<Reply, Problem> {
    let by = call.caller()?.user;
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing = Changing { call, store, queue, by, preconditions, record: None };
    view::reply(StatusCode::OK, &changing.apply(task, change).await?)
}

/// Deletes a task with its timer and its comments, and stores the idempotency record with the deletion.
///
/// # Errors
/// 403, 404, 409 `busy`, 412, 429.
pub(super) async fn delete_task(
    call: &Call<'_>,
    store: &impl TaskChanges,
    id: TaskId,
    preconditions: &Preconditions,
    record: Option<&IdempotencyRecord>,
) -> Result<(), Problem> {
    let caller = call.caller()?;
    let (found, comments) = store.task_and_comments(id).await?;
    let mut update = Update::of(found);
    while let Some((task, expected)) = update.attempt()? {
        let task = permitted(store, Some(task), caller, Action::WriteTasks).await?;
        preconditions.check(task.version)?;
        call.admit().await?;
        if update.is_stored(store.delete(id, expected, comments, record).await?) {
            return Ok(());
        }
    }
    Err(Problem::not_found())
}

/// The context of a change of a task.
pub(super) struct Changing<'a, S, Q> {
    pub(super) call: &'a Call<'a>,
    pub(super) store: &'a S,
    pub(super) queue: &'a Q,
    /// The user who makes the change.
    pub(super) by: UserId,
    /// The versions that the change applies to.
    pub(super) preconditions: Preconditions,
    /// The idempotency record stored with the change.
    pub(super) record: Option<&'a IdempotencyRecord>,
}

impl<S: TaskChanges + RateLimits, Q: TimerQueue> Changing<'_, S, Q> {
    /// Changes a task that was just read and that the user may change. After a conflict, it changes the task as it is stored
    /// now. `change` returns what it did. Enqueues timers that fire soon, including those of a new occurrence or
    /// notification.
    ///
    /// # Errors
    /// 404 if the task was deleted, 409 `busy`, 412, those of `change`.
    pub(super) async fn apply(
        &self,
        task: Task,
        change: impl Fn(&mut Task) -> Result<TaskChange, Problem>,
    ) -> Result<Task, Problem> {
        let Self { call, store, queue, by, record, .. } = *self;
        let now = call.now();
        let (mut update, mut inherited) = (Update::of(Some(task)), InheritedAssignment::default());
        while let Some((mut task, expected)) = update.attempt()? {
            self.preconditions.check(task.version)?;
            let assignee = task.assigned_to;
            let TaskChange { changed, mut next } = change(&mut task)?;
            if !changed {
                return Ok(task);
            }
            if let Some(next) = &mut next {
                inherited.limit(store, next, by, now).await;
            }
            let notification = assignment(call, &task, assignee, by);
            let also =
                AtomicExtras { next: next.as_deref(), notification: notification.as_ref(), record };
            // The SDK sends a transaction again with the same token, so only a single write can conflict with itself.
            let is_single = also == AtomicExtras::default();
            let replaced = store.replace(&task, expected, also).await?;
            if is_single && is_own(&task, &replaced) || update.is_stored(replaced) {
                let next = next.and_then(|next| next.timer());
                let notification = notification.and_then(|notification| notification.timer());
                enqueue_if_soon(queue, [task.timer(), next, notification], now).await;
                return Ok(task);
            }
        }
        Err(Problem::not_found())
    }
}
