//! Comments on tasks.

pub mod create_comment;
pub mod delete_comment;
pub mod list_comments;
pub mod update_comment;

use serde_json::{Value, json};
use taskbell_domain::{comment::Comment, policy::Action, ports::Comments, space::Role};

use crate::access::require;
use crate::http::{Call, Caller, Problem};

/// The caller's role in the space of the task in the path, if the role permits the action.
async fn task_role(
    call: &Call<'_>,
    store: &impl Comments,
    caller: Caller,
    action: Action,
) -> Result<Role, Problem> {
    let task = store.task(call.path_id("task_id")?).await?.ok_or_else(Problem::not_found)?;
    require(store, caller, task.space, action).await
}

/// The comment in the path.
async fn comment(call: &Call<'_>, store: &impl Comments) -> Result<Comment, Problem> {
    let (task, id) = (call.path_id("task_id")?, call.path_id("comment_id")?);
    store.comment(task, id).await?.ok_or_else(Problem::not_found)
}

/// A comment, as members of the space see it.
pub(super) fn view(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "task": comment.task,
        "author": comment.author,
        "text": comment.text,
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
    })
}
