//! Proves the address of an account with the token that was mailed there.

use http::StatusCode;
use taskbell_domain::{clock::Clock, ports::ProfileChanges, rate_limit::LINKS, user::User};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::me::change,
    http::{Call, Fields, Problem, Reply, read},
    links::{Link, LinkAction, LinkKeys},
};

/// What the endpoint is.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "verify-email",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/auth/verify-email",
    operations: &[Operation {
        method: "POST",
        summary: "Verify an email address",
        description: "Confirms the email address of an account with the token from the verification email. Verifying an address again also lifts a suppression after a bounce or complaint.",
        parameters: &[],
        request: Some("VerifyEmailRequest"),
        responses: &[(204, Body::Empty)],
        errors: &["invalid_token", "busy"],
    }],
};

/// From then on mail goes to the address; also where it had been stopped. Proven twice it does no more.
pub async fn handle(
    call: &Call,
    accounts: &impl ProfileChanges,
    link_keys: &LinkKeys,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let token = fields.required("token", read::any_text);
    let token = fields.finish(token)?;
    let invalid = || {
        let detail = "The token is unknown or expired: ask for a new one.";
        Problem::new(StatusCode::NOT_FOUND, "invalid_token", detail)
    };
    let link = Link::parse(token.trim()).ok_or_else(invalid)?;
    let current = link.link_action == LinkAction::VerifyEmail && !link.is_expired(clock.now());
    let user = accounts.user(link.user).await?;
    let user = user.filter(|user| current && link_keys.have_signed(&link, user)).ok_or_else(invalid)?;
    call.admit().await?;
    verify(accounts, user, clock).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Lets mail go to the address of an account.
///
/// # Errors
/// 404, 409 `busy`.
pub(crate) async fn verify(
    accounts: &impl ProfileChanges,
    user: User,
    clock: &dyn Clock,
) -> Result<(), Problem> {
    change(accounts, user, |user| user.verify_email(clock.now())).await.map(drop)
}
