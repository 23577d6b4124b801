//! `POST /v1/tasks/{task_id}/reopen`: takes a completion back. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    statistics::Quota,
    task::{Status, TaskChange, TaskPatch},
};

use super::{Changing, admit_reminders, permitted, task_id, view};
use crate::http::{Call, Preconditions, Problem, Reply};

/// Makes a completed task pending again, with the reminders whose moment has not passed. One that is not
/// completed stays as it is.
///
/// # Errors
/// 401, 404, 409 `busy` or `too_many_reminders`, 412.
pub async fn handle(
    call: &Call,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let (found, _, personal) = tasks.task_user_and_numbers(task_id(call)?, caller.user).await?;
    let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
    let pending = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    let more = pending.more_reminders(&task, None);
    admit_reminders(tasks, caller, &task, more, personal, quota).await?;
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing
        .apply(task, |task| {
            if task.status != Status::Completed {
                return Ok(TaskChange::default());
            }
            Ok(task.apply(pending.clone(), None, now, random)?)
        })
        .await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
