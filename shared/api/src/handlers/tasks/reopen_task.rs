//! Reopens a completed task.

use taskbell_domain::{
    api_token::ApiScope,
    id::SpaceId,
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    quota::Quota,
    task::{Status, TaskChange, TaskPatch},
};

use super::{admit_reminders, change::change_found, permitted};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "reopen-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/reopen",
    operations: &[Operation {
        method: "POST",
        summary: "Reopen a task",
        description: "Sets a completed task to pending. Reminders that are still in the future fire again; an occurrence that the completion created stays.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden", "too_many_reminders"],
    }],
};

/// Sets the task to pending. Its future reminders fire again. A task that is not completed is unchanged.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (found, personal) = futures_util::try_join!(
        tasks.task(call.path_id("task_id")?),
        tasks.counters(SpaceId::personal(caller.user)),
    )?;
    let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
    let pending = TaskPatch::status(Status::Pending);
    let more = pending.more_reminders(&task, None);
    admit_reminders(tasks, caller, &task, more, personal, quota).await?;
    change_found(call, tasks, queue, task, |task| {
        if task.status != Status::Completed {
            return Ok(TaskChange::default());
        }
        Ok(task.apply(pending.clone(), None, call.now(), call.random())?)
    })
    .await
}
