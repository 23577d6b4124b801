//! Returns a task.

use http::StatusCode;
use taskbell_domain::{api_token::ApiScope, policy::Action, ports::TaskReads};

use super::{permitted, view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Preconditions, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}",
    operations: &[Operation {
        method: "GET",
        summary: "Get a task",
        description: "Returns a task. Its `version` is the `ETag`; with `If-None-Match`, the response for an unchanged task is 304.",
        parameters: &["If-Match", "If-None-Match"],
        request: None,
        responses: &[(200, Body::Json("Task")), (304, Body::Empty)],
        errors: &[],
    }],
};

/// Responds with the task, or 304 if `If-None-Match` lists its version.
pub async fn handle(call: &Call<'_>, tasks: &impl TaskReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let task = permitted(tasks, tasks.task(call.path_id("task_id")?).await?, caller, Action::ReadTasks)
        .await?;
    if Preconditions::of(call)?.is_known(task.version)? {
        return Reply::empty(StatusCode::NOT_MODIFIED).tagged(task.version);
    }
    view::reply(StatusCode::OK, &task)
}
