//! `DELETE /v1/tasks/{task_id}/comments/{comment_id}`: takes a comment back. Three calls.

use http::StatusCode;
use taskbell_domain::{
    clock::Clock,
    policy::{Action, permits},
    ports::Comments,
};

use super::{comment, task_and_role};
use crate::{
    http::{Call, Problem, Reply, authenticate},
    tokens::Verifier,
};

/// Deletes a comment of the caller; who manages the members of a space may delete those of others, too.
///
/// # Errors
/// 401, 403, 404.
pub async fn handle(
    call: &Call,
    store: &impl Comments,
    verifier: &Verifier,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let caller = authenticate(call, verifier, clock.now())?;
    let (task, role) = task_and_role(call, store, caller, Action::WriteTasks).await?;
    let comment = comment(call, store, task).await?;
    if comment.author != caller.user && !permits(role, Action::ManageMembers) {
        return Err(Problem::forbidden());
    }
    store.delete_comment(task, comment.id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
