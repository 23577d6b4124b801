//! `GET /v1/spaces/{space_id}/members`: who is in a space. Three calls.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{policy::Action, ports::SpaceReads};

use super::{member_view, shared, space_id};
use crate::http::{Call, Params, Problem, Reply};

/// Answers with all members, in the order in which they registered.
///
/// # Errors
/// 401, 404, 409 `personal_space`, 422 for parameters.
pub async fn handle(call: &Call, store: &impl SpaceReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let (space, _) = shared(store, caller, space_id(call)?, Action::ReadSpace).await?;
    let members = store.members(space.id).await?;
    let items: Vec<_> = members.iter().map(|(member, user)| member_view(member, user)).collect();
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null }))
}
