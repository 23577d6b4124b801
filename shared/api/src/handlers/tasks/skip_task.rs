//! Skips an occurrence of a recurring task. Two store calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    task::TaskChange,
};

use super::{Changing, permitted, task_id, view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Preconditions, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "skip-task",
    tag: Tag::Tasks,
    access: Access::User,
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
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing
        .apply(task, |task| {
            task.skip(now, random)
                .map_err(|refusal| Problem::conflict(refusal.code, refusal.message))?;
            Ok(TaskChange { changed: true, next: None })
        })
        .await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
