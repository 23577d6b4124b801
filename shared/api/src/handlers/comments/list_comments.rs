//! Lists the comments of a task, oldest first.

use taskbell_domain::{api_token::ApiScope, id::CommentId, policy::Action, ports::Comments};

use super::{task_role, view};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Cursor, CursorKey, Params, Problem, Reply, page},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-comments",
    tag: Tag::Comments,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/comments",
    operations: &[Operation {
        method: "GET",
        summary: "List comments",
        description: "Returns the comments of a task, oldest first.",
        parameters: &["limit", "cursor"],
        request: None,
        responses: &[(200, Body::Page("Comment"))],
        errors: &[],
    }],
};

/// Responds with a page of comments.
pub async fn handle(call: &Call<'_>, store: &impl Comments, key: &CursorKey) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let (limit, cursor) = params.page();
    params.finish()?;
    let task = call.path_id("task_id")?;
    let cursors = Cursor::new(key, caller, &("comments", task));
    let after = cursors.read(cursor.as_deref(), |position| CommentId::from_body(position).ok())?;
    let (_, found) = while_checked(
        task_role(call, store, caller, Action::ReadTasks),
        store.comments(task, after, limit),
    )
    .await?;
    let next = found.next.map(|last| last.body());
    page(&cursors, &found.items, next, |comment| comment.id.body(), view)
}
