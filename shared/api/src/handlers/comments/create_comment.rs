//! Adds a comment to a task.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    comment::{Comment, MAX_COMMENTS},
    id::{CommentId, TaskId},
    policy::Action,
    ports::{Commented, Comments, IdempotencyRecord},
    text::CommentText,
};

use super::{task_role, view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::idempotency::{Key, create_once, created},
    http::{Call, Fields, Params, Problem, Reply, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-comment",
    tag: Tag::Comments,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/comments",
    operations: &[Operation {
        method: "POST",
        summary: "Create a comment",
        description: "Adds a comment to a task.",
        parameters: &["Idempotency-Key"],
        request: Some("CreateCommentRequest"),
        responses: &[(201, Body::Json("Comment"))],
        errors: &["forbidden", "already_deleted", "too_many_comments"],
    }],
};

/// Responds 201 with the comment. Requires permission to change the task.
pub async fn handle(call: &Call<'_>, store: &impl Comments) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let text = fields.required("text", read::text(CommentText::parse));
    let text = fields.finish(text)?;
    let task: TaskId = call.path_id("task_id")?;
    task_role(call, store, caller, Action::WriteTasks).await?;
    let sent = [task.body().into_bytes(), call.json()?.to_vec()];
    let key = Key::of(call, caller.user, &[&sent[0], &sent[1]], now)?;
    let id = CommentId::generate(call.clock(), random);
    let author = caller.user;
    let comment = Comment::new(id, task, author, text, now);
    call.admit().await?;
    let store_new = async |record: Option<IdempotencyRecord>| match store
        .add_comment(&comment, record.as_ref())
        .await?
    {
        Commented::Created(created) => Ok(created),
        Commented::NoTask => Err(Problem::not_found()),
        Commented::Full => {
            let detail =
                format!("The task has {MAX_COMMENTS} comments, which is the limit: delete some.");
            Err(Problem::conflict("too_many_comments", detail))
        }
    };
    let find = async |id| Ok(store.comment(task, id).await?);
    let replay = create_once(key.as_ref(), id, store_new, find).await?;
    created(replay, &comment, |comment| Reply::json(StatusCode::CREATED, &view(comment)))
}
