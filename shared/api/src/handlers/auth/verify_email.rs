//! Verifies the email address of an account with the token that was mailed to it.

use http::StatusCode;
use taskbell_domain::{ports::ProfileChanges, rate_limit::LINKS, user::User};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    links::{Link, LinkAction, LinkKeys},
    profiles::change_profile,
};

/// The route, the rate limit and the OpenAPI description.
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

/// Allows mail to the address, and lifts a suppression. Verifying twice has no further effect.
pub async fn handle(
    call: &Call<'_>,
    accounts: &impl ProfileChanges,
    link_keys: &LinkKeys,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let token = fields.required("token", read::any_text);
    let token = fields.finish(token)?;
    let invalid = || {
        let detail = "The token is invalid or expired: register again, or reset the password.";
        Problem::new(StatusCode::NOT_FOUND, "invalid_token", detail)
    };
    let link = Link::parse(token.trim()).ok_or_else(invalid)?;
    let current = link.link_action == LinkAction::VerifyEmail && !link.is_expired(call.now());
    let user = accounts.user(link.user).await?;
    let user = user.filter(|user| current && link_keys.have_signed(&link, user)).ok_or_else(invalid)?;
    call.admit().await?;
    verify(call, accounts, user).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Marks the email address of an account as verified.
///
/// # Errors
/// 404, 409 `busy`.
pub(crate) async fn verify(
    call: &Call<'_>,
    accounts: &impl ProfileChanges,
    user: User,
) -> Result<(), Problem> {
    change_profile(accounts, user, |user| user.verify_email(call.now()))
        .await?
        .map(drop)
        .ok_or_else(Problem::not_found)
}
