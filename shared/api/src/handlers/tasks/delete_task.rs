//! `DELETE /v1/tasks/{task_id}`: deletes a task and its reminders. Two calls.

use http::StatusCode;
use taskbell_domain::{
    policy::Action,
    ports::{Replaced, TaskChanges},
};

use super::{permitted, task_id};
use crate::{
    handlers::TRIES,
    http::{Call, Preconditions, Problem, Reply},
};

/// Deletes; answers 204. The timer goes with the task, in the same write.
///
/// # Errors
/// 401, 404, 409 `busy`, 412.
pub async fn handle(call: &Call, tasks: &impl TaskChanges) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (mut found, comments) = tasks.task_and_comments(task_id(call)?).await?;
    let preconditions = Preconditions::of(call)?;
    for _ in 0..TRIES {
        let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
        preconditions.check(task.version)?;
        call.admit().await?;
        match tasks.delete(task.id, task.version, comments, None).await? {
            Replaced::Stored => return Ok(Reply::empty(StatusCode::NO_CONTENT)),
            Replaced::Conflict(present) => found = present.map(|task| *task),
        }
    }
    Err(Problem::busy())
}
