//! Tasks.

pub mod complete;
pub mod create;
pub mod delete;
mod fields;
pub mod get;
pub mod list;
pub mod reminders;
pub mod reopen;
pub mod update;
mod view;

use taskbell_domain::{
    id::TaskId,
    policy::{self, Action},
    ports::{Replaced, TaskChanges},
    task::Task,
};

use crate::{
    handlers::TRIES,
    http::{Call, Problem, require_match},
    tokens::Identity,
};

/// The task id in the path. What is no id is treated as one that does not exist.
fn task_id(call: &Call) -> Result<TaskId, Problem> {
    call.path("task_id").parse().map_err(|_| Problem::not_found())
}

/// The task, if it is there and the caller may do that with it. Nobody can tell which of the two failed.
fn permitted(task: Option<Task>, caller: Identity, action: Action) -> Result<Task, Problem> {
    task.filter(|task| policy::permits(caller.user, task.space, action)).ok_or_else(Problem::not_found)
}

/// Changes a task that was just read: applies the change, stores the result on condition that the task is
/// still the one read, and tries again on the present one if it is not. `change` says whether it changed
/// anything. An `If-Match` that no longer holds ends it.
async fn change(
    call: &Call,
    tasks: &impl TaskChanges,
    caller: Identity,
    found: Option<Task>,
    change: impl Fn(&mut Task) -> Result<bool, Problem>,
) -> Result<Task, Problem> {
    let mut task = permitted(found, caller, Action::WriteTasks)?;
    for _ in 0..TRIES {
        require_match(call, task.version)?;
        let read = task.version;
        if !change(&mut task)? {
            return Ok(task);
        }
        match tasks.replace(&task, read).await? {
            Replaced::Done => return Ok(task),
            Replaced::Conflict(present) => {
                task = permitted(present.map(|task| *task), caller, Action::WriteTasks)?;
            }
        }
    }
    Err(Problem::busy())
}
