//! `PATCH /v1/tasks/{task_id}`: changes a task (RFC 7396). Two calls: what is needed is read at once, the
//! task is written.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    policy::Action,
    ports::{TaskChanges, TimerQueue},
};

use super::{Changing, check_assignee, fields, require, task_id, view};
use crate::http::{Call, Fields, IfMatch, Problem, Reply};

/// Changes what the patch names, and answers with the task. A patch that changes nothing writes nothing.
///
/// # Errors
/// 401, 404, 409 `busy`, 412, 422, and those of every body.
pub async fn handle(
    call: &Call,
    tasks: &impl TaskChanges,
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let patch = fields::patch(&mut fields);
    let patch = fields.finish(Some(patch))?;
    let id = task_id(call)?;
    let (found, profile) = if patch.needs_profile() {
        let (task, user) = tasks.task_and_user(id, caller.user).await?;
        (task, Some(user.ok_or_else(Problem::unauthorized)?))
    } else {
        (tasks.task(id).await?, None)
    };
    if let (Some(assignee), Some(task)) = (patch.assigned_to, &found) {
        require(tasks, caller, task.space, Action::WriteTasks).await?;
        check_assignee(tasks, caller, task.space, assignee).await?;
    }
    let if_match = IfMatch::of(call)?;
    call.admitted().await?;
    let changing = Changing { store: tasks, queue, caller, now, random, if_match, record: None };
    let task = changing
        .apply(found, |task| Ok(task.apply(patch.clone(), profile.as_ref(), now, random)?))
        .await?;
    view::reply(StatusCode::OK, &task)
}
