//! Ends all sessions of the caller but the one of the request.

use http::StatusCode;
use taskbell_domain::ports::{LiveConnections, PushQueue, Sessions};

use super::require_open;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    live::end_connections,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "end-other-sessions",
    tag: Tag::Authentication,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/sessions",
    operations: &[Operation {
        method: "DELETE",
        summary: "End all other sessions",
        description: "Ends all sessions of the caller but the one of the request. Their refresh tokens stop working at once and their live connections end; their access tokens expire within 15 minutes.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &[],
    }],
};

/// Responds 204. The caller's own session must not have ended: otherwise a person who logged out, or was logged out, could end the sessions of the owner.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Sessions + LiveConnections),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let kept = require_open(store, caller, call.now()).await?;
    call.admit().await?;
    store.close_other_sessions(caller.user, kept).await?;
    end_connections(store, queue, caller.user, |open| open.session != kept).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
