//! Exchanges an email address and a password for tokens, and opens a session.

use taskbell_domain::{
    credential::{CheckedPassword, RefreshToken, Session},
    email::EmailAddress,
    id::SessionId,
    ports::{Credentials, Profiles, RateLimits, Sessions},
    rate_limit::{LOG_INS_TO_ACCOUNT, RateLimit, RateLimitKey},
};

use super::tokens;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::sessions::label,
    http::{Call, Fields, Problem, Reply, disabled, enforce_limit, read},
    passwords,
    tokens::Issuer,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "log-in",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Variable("LOG_INS_PER_MINUTE", RateLimit::log_ins),
    path: "/v1/auth/login",
    operations: &[Operation {
        method: "POST",
        summary: "Log in",
        description: "Opens a session. The access token is valid for 15 minutes; exchange the refresh token for new tokens before it expires. An unknown address and a wrong password get the same response.",
        parameters: &[],
        request: Some("LogInRequest"),
        responses: &[(200, Body::Json("Session"))],
        errors: &["invalid_credentials", "account_disabled"],
    }],
};

/// Logs in. An unknown address and a wrong password get the same response after the same work.
pub async fn handle(
    call: &Call<'_>,
    accounts: &(impl Credentials + Profiles + Sessions + RateLimits),
    issuer: &Issuer,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::any_text);
    let password = fields.required("password", read::any_text);
    let (email, password) = fields.finish(email.zip(password))?;
    let email = EmailAddress::parse_trusted(&email).ok();

    let wrong = || {
        Problem::invalid_credentials(
            "invalid_credentials",
            "The email address or the password is wrong.",
        )
    };
    let (now, random) = (call.now(), call.random());
    let credential = match &email {
        Some(address) => {
            let key = RateLimitKey::account(call.source_ip(), address);
            let tried = enforce_limit(accounts, LOG_INS_TO_ACCOUNT, key, 1, now);
            let (tried, found) = futures_util::join!(tried, accounts.credential(address));
            tried?;
            found?
        }
        None => None,
    };
    call.admit().await?;
    if !passwords::verify(&password, credential.as_ref().map(|found| found.password_hash.as_str())) {
        return Err(wrong());
    }
    let Some((mut found, email)) = credential.zip(email) else { return Err(wrong()) };
    let user = accounts.user(found.user).await?.ok_or_else(wrong)?;
    if user.disabled_at.is_some() {
        return Err(disabled());
    }

    let token = RefreshToken::generate(user.id, SessionId::generate(call.clock(), random), random);
    let outdated = passwords::is_outdated(&found.password_hash);
    let rehashed = outdated.then(|| passwords::new_hash(&password, random)).transpose()?;
    for rehashed in [rehashed.as_deref(), None] {
        let checked = CheckedPassword { email: &email, hash: &found.password_hash, rehashed };
        let session = Session { label: label(call), ..Session::of(&token, now) };
        if accounts.open_session(&session, checked).await? {
            return tokens(&user, &token, issuer, now, random);
        }
        // The password was reset meanwhile, or a concurrent log-in rehashed it.
        found = accounts.credential(&email).await?.ok_or_else(wrong)?;
        if !passwords::verify(&password, Some(&found.password_hash)) {
            break;
        }
    }
    Err(wrong())
}
