//! `DELETE /v1/tasks/{task_id}/comments/{comment_id}`: takes a comment back. Three calls.

use http::StatusCode;
use taskbell_domain::{
    policy::{Action, permits},
    ports::Comments,
};

use super::{comment, task_and_role};
use crate::http::{Call, Problem, Reply};

/// Deletes a comment of the caller; who manages the members of a space may delete those of others, too.
///
/// # Errors
/// 401, 403, 404.
pub async fn handle(call: &Call, store: &impl Comments) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (task, role) = task_and_role(call, store, caller, Action::WriteTasks).await?;
    let comment = comment(call, store, task).await?;
    if comment.author != caller.user && !permits(role, Action::ManageMembers) {
        return Err(Problem::forbidden());
    }
    call.admit().await?;
    store.delete_comment(task, comment.id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
