//! Mails a code to the address that the caller wants to have.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    one_time_code::Purpose,
    ports::{Credentials, Notifications, Profiles, RateLimits, Sessions, TimerQueue},
    rate_limit::{CODES, RateLimitKey},
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::{codes, own_password, sessions::require_open},
    http::{Call, Fields, Params, Problem, Reply, enforce_limit, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "change-email",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/email",
    operations: &[Operation {
        method: "POST",
        summary: "Change the email address",
        description: "Sends a code to the new address. Nothing changes until the code is sent to `POST /v1/me/email/confirm`. The response is the same whether or not another account has the address.",
        parameters: &[],
        request: Some("ChangeEmailRequest"),
        responses: &[(202, Body::Json("Accepted"))],
        errors: &[],
    }],
};

/// Responds 202. Whether another account has the address is found out when it is confirmed, by who reads its mail.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Credentials + Profiles + RateLimits + Sessions + Notifications),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let (caller, now) = (call.caller()?, call.now());
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse));
    let password = fields.required("password", read::any_text);
    let (email, password) = fields.finish(email.zip(password))?;
    call.admit().await?;
    let user = async { Ok::<_, Problem>(store.user(caller.user).await?) };
    let (user, _) = futures_util::try_join!(user, require_open(store, caller, now))?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    enforce_limit(store, CODES, RateLimitKey::user(user.id), 1, now).await?;
    codes::send(call, store, queue, (user.id, Some(email)), Purpose::EmailChange).await?;
    let detail = "A code will be sent to the new address.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
