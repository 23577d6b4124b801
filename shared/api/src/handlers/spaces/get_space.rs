//! Returns a space.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    policy::{Action, known_role},
    ports::SpaceReads,
};

use super::{personal_view, refuse_other, shared, space_view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-space",
    tag: Tag::Spaces,
    access: Access::User(Programs::WithScope(ApiScope::SpacesRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}",
    operations: &[Operation {
        method: "GET",
        summary: "Get a space",
        description: "Returns a space and the caller's role in it.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Space"))],
        errors: &[],
    }],
};

/// Responds with the space.
pub async fn handle(call: &Call<'_>, store: &impl SpaceReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let id = call.path_id("space_id")?;
    refuse_other(caller, id)?;
    if known_role(caller.user, id).is_some() {
        return Reply::json(StatusCode::OK, &personal_view(caller.user));
    }
    let (space, me) = shared(store, caller, id, Action::ReadSpace).await?;
    Reply::json(StatusCode::OK, &space_view(&space, me.role))
}
