//! Updates a comment.

use http::StatusCode;
use taskbell_domain::{api_token::ApiScope, policy::Action, ports::Comments, text::CommentText};

use super::{comment, task_role, view};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    update::Update,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-comment",
    tag: Tag::Comments,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/comments/{comment_id}",
    operations: &[Operation {
        method: "PATCH",
        summary: "Update a comment",
        description: "Changes the text of a comment. Only its author can change it.",
        parameters: &[],
        request: Some("UpdateCommentRequest"),
        responses: &[(200, Body::Json("Comment"))],
        errors: &["forbidden", "busy"],
    }],
};

/// Changes the text of the caller's comment. Responds with the comment.
pub async fn handle(call: &Call<'_>, store: &impl Comments) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let text = fields.changed("text", read::text(CommentText::parse));
    let text = fields.finish(Some(text))?;
    let (_, comment) =
        while_checked(task_role(call, store, caller, Action::WriteTasks), comment(call, store)).await?;
    if comment.author != caller.user {
        return Err(Problem::forbidden());
    }
    call.admit().await?;
    let mut update = Update::of(Some(comment));
    while let Some((mut comment, expected)) = update.attempt()? {
        let edited = text.clone().is_some_and(|text| comment.edit(text, now));
        if !edited || update.is_stored(store.replace_comment(&comment, expected).await?) {
            return Reply::json(StatusCode::OK, &view(&comment));
        }
    }
    Err(Problem::not_found())
}
