//! `POST /v1/tasks/{task_id}/complete`: completes a task. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    ports::TaskChanges,
    task::{Status, TaskPatch},
};

use super::{change, task_id, view};
use crate::{
    http::{Call, Problem, Reply, authenticate},
    tokens::Verifier,
};

/// Completes the task, which silences its reminders. One that is completed already stays as it is.
///
/// # Errors
/// 401, 404, 409 `busy`, 412.
pub async fn handle(
    call: &Call,
    tasks: &impl TaskChanges,
    verifier: &Verifier,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = authenticate(call, verifier, now)?;
    let found = tasks.task(task_id(call)?).await?;
    let done = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    let task =
        change(call, tasks, caller, found, |task| Ok(task.apply(done.clone(), None, now, random)?));
    view::reply(StatusCode::OK, &task.await?)
}
