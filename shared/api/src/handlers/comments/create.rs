//! `POST /v1/tasks/{task_id}/comments`: says something about a task. Two calls.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    comment::Comment,
    id::CommentId,
    policy::Action,
    ports::Comments,
    text::CommentText,
};

use super::{task_and_role, view};
use crate::http::{Call, Fields, Problem, Reply, read};

/// Comments; answers 201 with the comment. Who may change the task may comment on it.
///
/// # Errors
/// 401, 403, 404, 422, and those of every body.
pub async fn handle(
    call: &Call,
    store: &impl Comments,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let text = fields.required("text", read::text(CommentText::parse));
    let text = fields.finish(text)?;
    let (task, _) = task_and_role(call, store, caller, Action::WriteTasks).await?;
    let id = CommentId::generate(clock, random);
    let author = caller.user;
    let comment = Comment { id, task, author, text, version: 1, created_at: now, updated_at: now };
    call.admitted().await?;
    if !store.add_comment(&comment).await? {
        return Err(Problem::not_found());
    }
    Reply::json(StatusCode::CREATED, &view(&comment))
}
