//! `GET /v1/spaces/{space_id}`: one space. One call.

use http::StatusCode;
use taskbell_domain::{
    policy::{Action, known_role},
    ports::SpaceReads,
};

use super::{personal_view, shared, space_id, space_view};
use crate::http::{Call, Problem, Reply};

/// Answers with the space.
///
/// # Errors
/// 401, 404.
pub async fn handle(call: &Call, store: &impl SpaceReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let id = space_id(call)?;
    if known_role(caller.user, id).is_some() {
        return Reply::json(StatusCode::OK, &personal_view(caller.user));
    }
    let (space, me) = shared(store, caller, id, Action::ReadSpace).await?;
    Reply::json(StatusCode::OK, &space_view(&space, me.role))
}
