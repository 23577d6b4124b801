//! Issues a ticket for a live connection.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{live::TICKET_LIFETIME, ports::Sessions};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    links::LinkKeys,
    live::Ticket,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "open-live",
    tag: Tag::Changes,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/live",
    operations: &[Operation {
        method: "POST",
        summary: "Open live updates",
        description: "Returns the URL of a WebSocket on which changes in all spaces of the caller are sent as they happen. The URL opens one connection, within 30 seconds. A message can get lost: a client that notices a gap in the sequence of a space asks for the changes.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Live"))],
        errors: &[],
    }],
};

/// Responds with a URL that contains a ticket. Nothing is stored before it is redeemed. An access token outlives its session
/// by minutes, but a connection could not be opened in one that has ended.
pub async fn handle(
    call: &Call<'_>,
    store: &impl Sessions,
    keys: &LinkKeys,
    live_url: &str,
) -> Result<Reply, Problem> {
    let (identity, now) = (call.caller()?.session()?, call.now());
    let has_session = store.has_session(identity.user, identity.session, now).await?;
    call.admit().await?;
    if !has_session {
        return Err(Problem::unauthorized());
    }
    let ticket = Ticket::generate(identity, call.random(), now).to_text(keys, now);
    let url = format!("{live_url}?ticket={ticket}");
    Reply::json(StatusCode::OK, &json!({ "url": url, "expires_in": TICKET_LIFETIME.as_secs() }))
}
