//! Starts a second factor.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    ports::{Credentials, Profiles, RateLimits, SecondFactors},
    second_factor::SecondFactor,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::own_password,
    http::{Call, Fields, Problem, Reply, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "start-second-factor",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/second-factor",
    operations: &[Operation {
        method: "POST",
        summary: "Start a second factor",
        description: "Returns the secret for an authenticator app (TOTP, RFC 6238). Log-ins need no code until it is confirmed by one, within an hour. Starting again replaces a secret that was not confirmed.",
        parameters: &[],
        request: Some("StartSecondFactorRequest"),
        responses: &[(200, Body::Json("StartedSecondFactor"))],
        errors: &["second_factor_active", "busy"],
    }],
};

/// The name that authenticator apps show above the address of the account.
const ISSUER: &str = "Taskbell";

/// Responds with the secret, in this response only.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SecondFactors + Profiles + Credentials + RateLimits),
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let password = fields.required("password", read::any_text);
    let password = fields.finish(password)?;
    call.admit().await?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let stored = store.second_factor(user.id).await?;
        if stored.as_ref().is_some_and(SecondFactor::is_confirmed) {
            return Err(active());
        }
        let expected = stored.map(|stored| stored.version);
        let factor = SecondFactor::start(user.id, expected, call.now(), call.random());
        if store.store_second_factor(&factor, expected, &[]).await? {
            let uri = factor.secret.uri(ISSUER, user.email.as_str());
            let body = json!({ "secret": factor.secret.to_base32(), "uri": uri });
            return Reply::json(StatusCode::OK, &body);
        }
    }
}

/// 409: the account has a confirmed factor.
pub(super) fn active() -> Problem {
    let detail = "Your account has a second factor: delete it before you add another.";
    Problem::conflict("second_factor_active", detail)
}
