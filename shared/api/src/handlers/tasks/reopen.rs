//! `POST /v1/tasks/{task_id}/reopen`: takes a completion back. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    ports::{TaskChanges, TimerQueue},
    task::{Status, TaskPatch},
};

use super::{change, task_id, view};
use crate::{
    http::{Call, Problem, Reply, authenticate},
    ring_soon::ring_soon,
    tokens::Verifier,
};

/// Makes a completed task pending again, with the reminders whose moment has not passed. One that is not
/// completed stays as it is.
///
/// # Errors
/// 401, 404, 409 `busy`, 412.
pub async fn handle(
    call: &Call,
    tasks: &impl TaskChanges,
    queue: &impl TimerQueue,
    verifier: &Verifier,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = authenticate(call, verifier, now)?;
    let found = tasks.task(task_id(call)?).await?;
    let pending = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    let task = change(call, tasks, caller, found, |task| {
        Ok(task.status == Status::Completed && task.apply(pending.clone(), None, now, random)?)
    })
    .await?;
    ring_soon(queue, &task, now).await;
    view::reply(StatusCode::OK, &task)
}
