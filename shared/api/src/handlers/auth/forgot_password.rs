//! Mails a code for a password reset.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    id::UserId,
    one_time_code::Purpose,
    ports::{Credentials, Notifications, RateLimits, TimerQueue},
    rate_limit::{CODES, LINKS, RESETS_OF_ACCOUNT, RateLimitKey},
};

use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::codes,
    http::{Call, Fields, Problem, Reply, enforce_limit, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "forgot-password",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/auth/forgot-password",
    operations: &[Operation {
        method: "POST",
        summary: "Request a password reset",
        description: "Sends a code that resets the password by email, if an account with this address exists. The response is the same if none does.",
        parameters: &[],
        request: Some("ForgotPasswordRequest"),
        responses: &[(202, Body::Json("Accepted"))],
        errors: &[],
    }],
};

/// The response and the work are the same whether or not the account exists. Without one, the notification is stored
/// for an account id that does not exist.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Credentials + Notifications + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse_trusted));
    let email = fields.finish(email)?;
    let account = RateLimitKey::account(call.source_ip(), &email);
    let (_, found) =
        while_checked(enforce_limit(store, CODES, account, 1, call.now()), store.credential(&email))
            .await?;
    call.admit().await?;
    let to = found
        .map_or_else(|| UserId::generate(call.clock(), call.random()), |credential| credential.user);
    // The limit per mailbox applies, too, for any caller, and with or without an account. Exceeding it does not change the
    // response.
    if enforce_limit(store, RESETS_OF_ACCOUNT, RateLimitKey::mailbox(&email), 1, call.now())
        .await
        .is_ok()
    {
        codes::send(call, store, queue, (to, None), Purpose::PasswordReset).await?;
    }
    let detail = "If an account with this address exists, a code will be sent to it.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
