//! Task actions of links in reminder mails.

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
    access::role,
    http::{Call, Preconditions, Problem},
};

/// The task of a link, if its reader can still change it.
///
/// # Errors
/// 404 if the task was deleted, or if the reader can no longer change it.
pub(crate) async fn task_of_link(
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
pub(crate) async fn run(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    (task, by): (Task, UserId),
    snooze: Option<LeadTime>,
) -> Result<Task, Problem> {
    call.admit().await?;
    let (now, random, preconditions) = (call.now(), call.random(), Preconditions::default());
    let changing = Changing { call, store: tasks, queue, by, preconditions, record: None };
    changing
        .apply(task, |task| match &snooze {
            None => Ok(task.apply(TaskPatch::status(Status::Completed), None, now, random)?),
            Some(lead_time) => {
                let until = lead_time.after(now, &task.time_zone).unwrap_or(Timestamp::MAX);
                task.snooze(until, now, random).map_err(Problem::refused)?;
                Ok(TaskChange { changed: true, next: None })
            }
        })
        .await
}
