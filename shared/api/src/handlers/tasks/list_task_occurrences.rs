//! Lists upcoming occurrences of a task.

use serde_json::json;
use taskbell_domain::{
    api_token::ApiScope, list::DEFAULT_PAGE_LIMIT, policy::Action, ports::TaskReads,
};

use super::permitted;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, read, whole_list},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-task-occurrences",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/occurrences",
    operations: &[Operation {
        method: "GET",
        summary: "List upcoming occurrences",
        description: "Returns the next occurrences of a recurring task, computed from its rule. Empty for a task without one.",
        parameters: &["limit"],
        request: None,
        responses: &[(200, Body::Page("Occurrence"))],
        errors: &[],
    }],
};

/// Responds with the occurrences after this one, as if each were completed when it is due. Empty for a task that does
/// not recur.
pub async fn handle(call: &Call<'_>, tasks: &impl TaskReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let limit = params.optional("limit", read::page_limit).unwrap_or(DEFAULT_PAGE_LIMIT);
    params.finish()?;
    let task = permitted(tasks, tasks.task(call.path_id("task_id")?).await?, caller, Action::ReadTasks)
        .await?;
    let series = task.recurrence.iter();
    let upcoming = series.flat_map(|series| series.upcoming(&task.time_zone, limit));
    let items: Vec<_> = upcoming
        .map(|next| {
            let due_at = next.occurrence_time.at(&task.time_zone);
            json!({ "occurrence": next.number, "due": next.occurrence_time, "due_at": due_at })
        })
        .collect();
    whole_list(&items)
}
