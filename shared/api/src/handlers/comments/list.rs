//! `GET /v1/tasks/{task_id}/comments`: what has been said about a task, the oldest first. Two calls.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{id::CommentId, list::DEFAULT_PAGE_LIMIT, policy::Action, ports::Comments};

use super::{task_and_role, view};
use crate::http::{Call, Cursor, Params, Problem, Reply, read};

/// Answers with a page of comments.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 404, 422.
pub async fn handle(call: &Call, store: &impl Comments) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let limit = params.optional("limit", read::page_limit).unwrap_or(DEFAULT_PAGE_LIMIT);
    let cursor = params.optional("cursor", |text| Ok(text.to_owned()));
    params.finish()?;
    let (task, _) = task_and_role(call, store, caller, Action::ReadTasks).await?;
    let cursors = Cursor::new(caller.user, &("comments", task));
    let after = cursors.read(cursor.as_deref(), |place| CommentId::from_body(place).ok())?;
    let page = store.comments(task, after, limit).await?;
    let items: Vec<_> = page.items.iter().map(view).collect();
    let next_cursor = page.next.map(|last| cursors.write(&last.body()));
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": next_cursor }))
}
