//! Updates a task (RFC 7396).

use taskbell_domain::{
    api_token::ApiScope,
    id::SpaceId,
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    quota::Quota,
};

use super::{admit_reminders, change::change_found, fields, permitted};
use crate::{
    assignments::check_assignee,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}",
    operations: &[Operation {
        method: "PATCH",
        summary: "Update a task",
        description: "Changes the fields that are sent (JSON Merge Patch, RFC 7396): an absent field is kept, `null` clears it. Setting `status` completes or reopens the task. `If-Match` and `If-None-Match` make the change conditional on the task's `version`.",
        parameters: &["If-Match", "If-None-Match"],
        request: Some("UpdateTaskRequest"),
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden", "too_many_reminders"],
    }],
};

/// Applies the patch and responds with the task. A patch without changes writes nothing.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let patch = fields::patch(&mut fields);
    let patch = fields.finish(Some(patch))?;
    let id = call.path_id("task_id")?;
    let (found, profile, personal) = if patch.adds_reminders() {
        let (task, user, counters) = futures_util::try_join!(
            tasks.task(id),
            tasks.user(caller.user),
            tasks.counters(SpaceId::personal(caller.user)),
        )?;
        (task, Some(user.ok_or_else(Problem::unauthorized)?), Some(counters))
    } else {
        (tasks.task(id).await?, None, None)
    };
    let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
    let more = patch.more_reminders(&task, profile.as_ref());
    if let Some(personal) = personal {
        admit_reminders(tasks, caller, &task, more, personal, quota).await?;
    }
    check_assignee(call, tasks, task.space, patch.assigned_to.flatten()).await?;
    change_found(call, tasks, queue, task, |task| {
        Ok(task.apply(patch.clone(), profile.as_ref(), now, random)?)
    })
    .await
}
