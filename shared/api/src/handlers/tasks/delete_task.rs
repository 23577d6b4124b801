//! Deletes a task and its reminders. Two calls.

use http::StatusCode;
use taskbell_domain::{
    policy::Action,
    ports::{Replaced, TaskChanges},
};

use super::{permitted, task_id};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::TRIES,
    http::{Call, Preconditions, Problem, Reply},
};

/// What the endpoint is.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-task",
    tag: Tag::Tasks,
    access: Access::User,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete a task",
        description: "Deletes a task with its reminders and comments. `If-Match` and `If-None-Match` make the change conditional on the task's `version`.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden", "not_finished"],
    }],
};

/// Deletes; answers 204. The timer goes with the task, in the same write.
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
