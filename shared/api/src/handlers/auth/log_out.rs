//! Ends the session of the access token.

use http::StatusCode;
use taskbell_domain::ports::{LiveConnections, PushQueue, Sessions};

use super::session_cookie::without_cookie;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    live::end_connections,
    tokens::Identity,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "log-out",
    tag: Tag::Authentication,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/auth/logout",
    operations: &[Operation {
        method: "POST",
        summary: "Log out",
        description: "Ends the session of the access token. Its refresh token stops working at once and its live connections end; the access token expires within 15 minutes. A cookie of `log-in` is deleted.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &[],
    }],
};

/// Ends the session. Its refresh token stops working at once, and its live connections end; its access tokens stay valid
/// until they expire, at most 15 minutes.
pub async fn handle(
    call: &Call<'_>,
    accounts: &(impl Sessions + LiveConnections),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let Identity { user, session, .. } = call.caller()?.session()?;
    call.admit().await?;
    accounts.close_session(user, session).await?;
    end_connections(accounts, queue, user, |open| open.session == session).await?;
    without_cookie(call, Reply::empty(StatusCode::NO_CONTENT))
}
