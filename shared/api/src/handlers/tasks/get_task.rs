//! `GET /v1/tasks/{task_id}`: one task. One call.

use http::StatusCode;
use taskbell_domain::{policy::Action, ports::TaskReads};

use super::{permitted, task_id, view};
use crate::http::{Call, Preconditions, Problem, Reply};

/// Answers with the task, or 304 if `If-None-Match` lists its version.
///
/// # Errors
/// 401, 404, 412.
pub async fn handle(call: &Call, tasks: &impl TaskReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let task = permitted(tasks, tasks.task(task_id(call)?).await?, caller, Action::ReadTasks).await?;
    if Preconditions::of(call)?.is_known(task.version)? {
        return Reply::empty(StatusCode::NOT_MODIFIED).tagged(task.version);
    }
    view::reply(StatusCode::OK, &task, caller.user)
}
