//! `PATCH /v1/tasks/{task_id}`: changes a task (RFC 7396). Two calls: what is needed is read at once, the
//! task is written.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{RateLimits, TaskChanges, TimerQueue},
    statistics::Quota,
};

use super::{Changing, admit_reminders, check_assignee, fields, permitted, task_id, view};
use crate::http::{Call, Fields, Preconditions, Problem, Reply};

/// Changes what the patch names, and answers with the task. A patch that changes nothing writes nothing.
///
/// # Errors
/// 401, 404, 409 `busy` or `too_many_reminders`, 412, 422, and those of every body.
pub async fn handle(
    call: &Call,
    tasks: &(impl TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let patch = fields::patch(&mut fields);
    let patch = fields.finish(Some(patch))?;
    let id = task_id(call)?;
    let (found, profile, personal) = if patch.adds_reminders() {
        let (task, user, numbers) = tasks.task_user_and_numbers(id, caller.user).await?;
        (task, Some(user.ok_or_else(Problem::unauthorized)?), Some(numbers))
    } else {
        (tasks.task(id).await?, None, None)
    };
    let task = permitted(tasks, found, caller, Action::WriteTasks).await?;
    let more = patch.more_reminders(&task, profile.as_ref());
    if let Some(personal) = personal {
        admit_reminders(tasks, caller, &task, more, personal, quota).await?;
    }
    check_assignee(tasks, caller, task.space, patch.assigned_to.flatten(), now).await?;
    let preconditions = Preconditions::of(call)?;
    call.admit().await?;
    let changing =
        Changing { store: tasks, queue, by: caller.user, now, random, preconditions, record: None };
    let task = changing
        .apply(task, |task| Ok(task.apply(patch.clone(), profile.as_ref(), now, random)?))
        .await?;
    view::reply(StatusCode::OK, &task, caller.user)
}
