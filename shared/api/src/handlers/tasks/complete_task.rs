//! Completes a task. Two store calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    task::{Status, TaskPatch},
};

use super::{Changing, permitted, task_id, view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Preconditions, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "complete-task",
    tag: Tag::Tasks,
    access: Access::User,
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
    let done = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing.apply(task, |task| Ok(task.apply(done.clone(), None, now, random)?)).await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
