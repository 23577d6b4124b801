//! `DELETE /v1/spaces/{space_id}/invitations/{invitation_id}`: takes an invitation back. Two calls.

use http::StatusCode;
use taskbell_domain::{policy::Action, ports::SpaceChanges};

use crate::{
    handlers::spaces::{shared, space_id},
    http::{Call, Problem, Reply},
};

/// Revokes; answers 204, also if there is no such invitation (any more). A mail that is on its way carries a
/// code that does not work.
///
/// # Errors
/// 401, 403, 404, 409 `personal_space`.
pub async fn handle(call: &Call, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (space, _) = shared(store, caller, space_id(call)?, Action::ManageMembers).await?;
    let id = call.path("invitation_id");
    if id.len() != 64 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::not_found());
    }
    call.admit().await?;
    store.revoke(space.id, id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
