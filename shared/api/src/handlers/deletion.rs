//! Deleting an account, by its owner or by an operator.

use http::StatusCode;
use taskbell_domain::{
    ports::{Notifications, PushQueue},
    user::User,
};

use super::before_deadline;
use crate::{
    account_deletion::{DeletionStore, delete_profile, delete_rest},
    http::{Call, Problem, Reply},
    log_id::log_id,
};

/// Responds 204 once the profile is deleted. What is not deleted before the deadline is deleted by `finish-deletions`.
/// `may_delete` is asked again if the account has changed since it was read.
///
/// # Errors
/// Those of `may_delete`; 404; 409 `busy`.
pub(super) async fn delete(
    call: &Call<'_>,
    store: &(impl DeletionStore + Notifications),
    queue: &impl PushQueue,
    user: User,
    may_delete: impl Fn(&User) -> Result<(), Problem>,
) -> Result<Reply, Problem> {
    let (now, random, id) = (call.now(), call.random(), user.id);
    delete_profile(store, user, now, may_delete).await?;
    tracing::info!(user = log_id(id), by = log_id(call.caller()?.user), "account deleted");
    if let Err(problem) = before_deadline(call, delete_rest(store, queue, id, (now, random))).await {
        tracing::warn!(code = problem.code, "the deletion of an account continues later");
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
