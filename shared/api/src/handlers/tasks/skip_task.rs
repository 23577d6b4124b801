//! Skips an occurrence of a recurring task.

use taskbell_domain::{
    api_token::ApiScope,
    ports::{RateLimits, TaskChanges, TimerQueue},
    task::TaskChange,
};

use super::change::change_task;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "skip-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/skip",
    operations: &[Operation {
        method: "POST",
        summary: "Skip an occurrence",
        description: "Moves a recurring task to its next occurrence without completing it.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden", "not_recurring", "already_completed", "series_ended"],
    }],
};

/// Moves the task to its next occurrence without completing it. Each request skips one: send the ETag in `If-Match` to
/// make a retry safe.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    change_task(call, tasks, queue, |task| {
        task.skip(call.now(), call.random()).map_err(Problem::refused)?;
        Ok(TaskChange { changed: true, next: None })
    })
    .await
}
