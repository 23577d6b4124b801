//! Deletes a task and its reminders. Two store calls.

use http::StatusCode;
use taskbell_domain::{policy::Action, ports::TaskChanges};

use super::{permitted, task_id};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Preconditions, Problem, Reply},
    update::Update,
};

/// The route, the rate limit and the OpenAPI description.
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

/// Responds 204. The same write deletes the task's timer.
pub async fn handle(call: &Call<'_>, tasks: &impl TaskChanges) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (found, comments) = tasks.task_and_comments(task_id(call)?).await?;
    let preconditions = Preconditions::of(call)?;
    let mut update = Update::of(found);
    while let Some((task, expected)) = update.attempt()? {
        let task = permitted(tasks, Some(task), caller, Action::WriteTasks).await?;
        preconditions.check(task.version)?;
        call.admit().await?;
        if update.is_stored(tasks.delete(task.id, expected, comments, None).await?) {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
    }
    Err(Problem::not_found())
}
