//! Exchanges a refresh token for new tokens. An exchange can be repeated for some minutes, since its response may be lost.

use taskbell_domain::{
    credential::{RefreshToken, Session},
    id::{SessionId, UserId},
    ports::{LiveConnections, Profiles, PushQueue, Rotated, Sessions},
    rate_limit::REFRESHES,
};

use super::{
    session_cookie::{Carrier, token_of},
    tokens,
};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, disabled, read},
    live::end_connections,
    tokens::Issuer,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "refresh-session",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(REFRESHES),
    path: "/v1/auth/refresh",
    operations: &[Operation {
        method: "POST",
        summary: "Refresh a session",
        description: "Exchanges a refresh token for a new access token and a new refresh token. If the response is lost, send the request again within ten minutes: that voids the token of the first response. Later, or after the new token was used, presenting the old one ends the session. With `cookie`, the new one is in the cookie that `log-in` describes, and without `refresh_token` the old one is taken from there.",
        parameters: &[],
        request: Some("RefreshSessionRequest"),
        responses: &[(200, Body::Json("Session"))],
        errors: &["invalid_refresh_token", "account_disabled", "cross_site"],
    }],
};

/// Continues a session. If the token was used, and its exchange cannot be repeated, someone else may have its successor, so the session
/// ends for both (RFC 9700, section 4.14.2). A token that was never valid does not affect the session.
pub async fn handle(
    call: &Call<'_>,
    accounts: &(impl Profiles + Sessions + LiveConnections),
    queue: &impl PushQueue,
    issuer: &Issuer,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let cookie = fields.optional("cookie", read::boolean);
    let text = match cookie {
        Some(true) => fields.optional("refresh_token", read::any_text).map(Some).or(Some(None)),
        _ => fields.required("refresh_token", read::any_text).map(Some),
    };
    let text = fields.finish(text)?;
    let carrier = Carrier::of(call, cookie)?;

    let invalid = || {
        let detail = "The refresh token is invalid, expired or already used: log in again.";
        Problem::invalid_credentials("invalid_refresh_token", detail)
    };
    let presented = text.as_deref().or_else(|| token_of(call)).and_then(RefreshToken::parse);
    let presented = presented.ok_or_else(invalid)?;
    // Read the account before the exchange: if the read fails, the token is still valid.
    let user = accounts.user(presented.user).await?.ok_or_else(invalid)?;

    let (now, random) = (call.now(), call.random());
    let next = presented.next(random);
    let session = Session::of(&next, now);
    call.admit().await?;
    match accounts.rotate_session(&session, &presented.hash(), now).await? {
        // An interrupted password reset left the session.
        Rotated::Done if user.password_set_at.is_some_and(|at| presented.is_older_than(at)) => {
            end(accounts, queue, user.id, next.session).await?;
            Err(invalid())
        }
        // An interrupted confirmation of a second factor left the session, which was opened without it.
        Rotated::Done if user.lacks_second_factor(&presented) => {
            end(accounts, queue, user.id, next.session).await?;
            Err(invalid())
        }
        // The account was blocked after the session was opened.
        Rotated::Done if user.disabled_at.is_some() => {
            end(accounts, queue, user.id, next.session).await?;
            Err(disabled())
        }
        Rotated::Done => tokens(&user, (&next, carrier), issuer, now, random),
        Rotated::Unknown => Err(invalid()),
        Rotated::Reused => {
            tracing::warn!(session = %presented.session, "refresh token reused; session ended");
            end(accounts, queue, presented.user, presented.session).await?;
            Err(invalid())
        }
    }
}

/// Ends a session and its live connections.
async fn end(
    accounts: &(impl Sessions + LiveConnections),
    queue: &impl PushQueue,
    user: UserId,
    session: SessionId,
) -> Result<(), Problem> {
    accounts.close_session(user, session).await?;
    end_connections(accounts, queue, user, |open| open.session == session).await?;
    Ok(())
}
