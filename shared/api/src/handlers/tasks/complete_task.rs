//! `POST /v1/tasks/{task_id}/complete`: completes a task. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    task::{Status, TaskPatch},
};

use super::{Changing, permitted, task_id, view};
use crate::http::{Call, Preconditions, Problem, Reply};

/// Completes the task, which silences its reminders; an occurrence of a series makes the next one in the same
/// write. One that is completed already stays as it is.
///
/// # Errors
/// 401, 404, 409 `busy`, 412.
pub async fn handle(
    call: &Call,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let found = tasks.task(task_id(call)?).await?;
    let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
    let done = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing.apply(task, |task| Ok(task.apply(done.clone(), None, now, random)?)).await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
