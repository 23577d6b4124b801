//! Ends one of the caller's sessions.

use http::StatusCode;
use taskbell_domain::{
    id::SessionId,
    ports::{LiveConnections, PushQueue, Sessions},
};

use super::require_open;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    live::end_connections,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "end-session",
    tag: Tag::Authentication,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/sessions/{session_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "End a session",
        description: "Ends one of the caller's sessions. Its refresh token stops working at once and its live connections end; its access token expires within 15 minutes.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &[],
    }],
};

/// Responds 204; 404 if the caller has no such session. The caller's own session must not have ended.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Sessions + LiveConnections),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let (caller, now) = (call.caller()?, call.now());
    let ended: SessionId = call.path_id("session_id")?;
    let found = async { Ok::<_, Problem>(store.has_session(caller.user, ended, now).await?) };
    let (_, found) = futures_util::try_join!(require_open(store, caller, now), found)?;
    found.then_some(()).ok_or_else(Problem::not_found)?;
    call.admit().await?;
    store.close_session(caller.user, ended).await?;
    end_connections(store, queue, caller.user, |open| open.session == ended).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
