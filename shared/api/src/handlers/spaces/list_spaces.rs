//! `GET /v1/spaces`: the spaces that the caller is in. Two calls.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::ports::Memberships;

use super::{personal_view, space_view};
use crate::http::{Call, Params, Problem, Reply};

/// Answers with all of them, the personal one first.
///
/// # Errors
/// 401, 422 for parameters.
pub async fn handle(call: &Call, store: &impl Memberships) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let shared = store.spaces_of(caller.user).await?;
    let shared = shared.iter().map(|(space, role)| space_view(space, *role));
    let items: Vec<_> = std::iter::once(personal_view(caller.user)).chain(shared).collect();
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null }))
}
