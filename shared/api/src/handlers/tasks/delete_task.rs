//! Deletes a task and its reminders.

use http::StatusCode;
use taskbell_domain::{api_token::ApiScope, ports::TaskChanges};

use super::change::delete_task;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Preconditions, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete a task",
        description: "Deletes a task with its reminders and comments. `If-Match` and `If-None-Match` make the change conditional on the task's `version`.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden"],
    }],
};

/// Responds 204. The same write deletes the task's timer.
pub async fn handle(call: &Call<'_>, tasks: &impl TaskChanges) -> Result<Reply, Problem> {
    delete_task(call, tasks, call.path_id("task_id")?, &Preconditions::of(call)?, None).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
