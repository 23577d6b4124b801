//! Completes a task.

use taskbell_domain::{
    api_token::ApiScope,
    ports::{RateLimits, TaskChanges, TimerQueue},
    task::{Status, TaskPatch},
};

use super::change::change_task;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "complete-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/complete",
    operations: &[Operation {
        method: "POST",
        summary: "Complete a task",
        description: "Completes a task and cancels its reminders. A recurring task creates its next occurrence, whose id is `next_occurrence`. Completing a completed task changes nothing.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden"],
    }],
};

/// Completes the task, so its reminders stop. For a recurring task, the same write creates the next occurrence. A
/// completed task is unchanged.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let done = TaskPatch::status(Status::Completed);
    change_task(call, tasks, queue, |task| Ok(task.apply(done.clone(), None, now, random)?)).await
}
