//! Task actions of links in reminder mails. Two store calls to show a page, three to run an action.

use jiff::Timestamp;
use taskbell_domain::{
    id::{TaskId, UserId},
    policy::{self, Action},
    ports::{RateLimits, TaskChanges, TimerQueue},
    reminder::LeadTime,
    task::{Status, Task, TaskChange, TaskPatch},
};

use super::change::Changing;
use crate::{
    handlers::access::role,
    http::{Call, Preconditions, Problem},
};

/// The task of a link, if its reader can still change it.
///
/// # Errors
/// 404 if the task was deleted, or if the reader can no longer change it.
pub(crate) async fn reachable(
    tasks: &impl TaskChanges,
    id: TaskId,
    reader: UserId,
) -> Result<Task, Problem> {
    let task = tasks.task(id).await?.ok_or_else(Problem::not_found)?;
    let role = role(tasks, reader, task.space).await?;
    let may = role.is_some_and(|role| policy::permits(role, Action::WriteTasks));
    may.then_some(task).ok_or_else(Problem::not_found)
}

/// Completes the task, or snoozes it for a period from now.
///
/// # Errors
/// 404, 409.
pub(crate) async fn act(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    (task, by): (Task, UserId),
    snooze: Option<LeadTime>,
) -> Result<Task, Problem> {
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let (now, random) = (call.now(), call.random());
    let changing = Changing { call, store: tasks, queue, by, preconditions, record: None };
    changing
        .apply(task, |task| match &snooze {
            None => {
                let done = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
                Ok(task.apply(done, None, now, random)?)
            }
            Some(lead_time) => {
                let until = lead_time.after(now, &task.time_zone).unwrap_or(Timestamp::MAX);
                let refused = task.snooze(until, now, random).err();
                let refused = refused.map(|refusal| Problem::conflict(refusal.code, refusal.message));
                refused.map_or(Ok(TaskChange { changed: true, next: None }), Err)
            }
        })
        .await
}
