//! Deletes a comment.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    policy::{Action, permits},
    ports::Comments,
};

use super::{comment, task_role};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-comment",
    tag: Tag::Comments,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/comments/{comment_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete a comment",
        description: "Deletes a comment. Only its author and admins and owners of the space can delete it.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden"],
    }],
};

/// Deletes a comment of the caller. Roles that manage members can delete every comment.
pub async fn handle(call: &Call<'_>, store: &impl Comments) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (role, comment) =
        while_checked(task_role(call, store, caller, Action::WriteTasks), comment(call, store)).await?;
    if comment.author != caller.user && !permits(role, Action::ManageMembers) {
        return Err(Problem::forbidden());
    }
    call.admit().await?;
    store.delete_comment(comment.task, comment.id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
