//! Exchanges an email address and a password for tokens, and opens a session.

use taskbell_domain::{
    credential::{CheckedPassword, RefreshToken, Session},
    id::SessionId,
    ports::{Credentials, Profiles, RateLimits, SecondFactors, Sessions},
    rate_limit::RateLimit,
};

use super::{Authenticated, authenticate, session_cookie::Carrier, tokens};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::{second_factor::check_log_in, sessions::label},
    http::{Call, Fields, Problem, Reply, read},
    passwords,
    tokens::Issuer,
    update::Attempts,
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
        description: "Opens a session. The access token is valid for 15 minutes; exchange the refresh token for new tokens before it expires. An unknown address, a wrong password and an address that is not verified yet get the same response. If the account has a second factor, a right password without `code` gets 401 `second_factor_required`. Browsers send `cookie`: the refresh token is then in a cookie that scripts cannot read (`HttpOnly; Secure; SameSite=Strict`), not in the body.",
        parameters: &[],
        request: Some("LogInRequest"),
        responses: &[(200, Body::Json("Session"))],
        errors: &[
            "invalid_credentials",
            "second_factor_required",
            "invalid_second_factor",
            "account_disabled",
            "cross_site",
            "busy",
        ],
    }],
};

/// Logs in. An unknown address, a wrong password and an address that is not verified get the same response after the same
/// work. The second factor is looked at only after the password was right, and the code that it accepts is used up together with the opening of the session.
pub async fn handle(
    call: &Call<'_>,
    accounts: &(impl Credentials + Profiles + SecondFactors + Sessions + RateLimits),
    issuer: &Issuer,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::any_text);
    let password = fields.required("password", read::any_text);
    let code = fields.optional("code", read::any_text);
    let cookie = fields.optional("cookie", read::boolean);
    let (email, password) = fields.finish(email.zip(password))?;
    let carrier = Carrier::of(call, cookie)?;
    let wrong = || {
        Problem::invalid_credentials(
            "invalid_credentials",
            "The email address or the password is wrong, or the address is not verified yet: use the link in the email.",
        )
    };
    let (now, random) = (call.now(), call.random());
    let authenticated = authenticate(call, accounts, &email, &password).await?;
    let Authenticated { email, credential: mut found, user, factor } =
        authenticated.ok_or_else(wrong)?;
    let mut accepted = check_log_in(call, accounts, factor, code.as_deref()).await?;

    let token = RefreshToken::generate(user.id, SessionId::generate(call.clock(), random), random);
    let outdated = passwords::is_outdated(&found.password_hash);
    let mut rehashed = outdated.then(|| passwords::new_hash(&password, random)).transpose()?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let (hash, rehashed) = (&found.password_hash, rehashed.take());
        let (rehashed, factor) = (rehashed.as_deref(), accepted.as_ref());
        let checked = CheckedPassword { email: &email, hash, rehashed, factor };
        let session = Session { label: label(call), ..Session::of(&token, now) };
        if accounts.open_session(&session, checked).await? {
            return tokens(&user, (&token, carrier), issuer, now, random);
        }
        // The password was reset meanwhile, or a concurrent log-in rehashed it or used a code of the second factor.
        let (credential, factor) =
            futures_util::try_join!(accounts.credential(&email), accounts.second_factor(user.id))?;
        let current = credential.filter(|current| current.user == user.id).ok_or_else(wrong)?;
        let is_known = current.password_hash == found.password_hash;
        if !is_known && !passwords::verify(&password, Some(&current.password_hash)) {
            return Err(wrong());
        }
        found = current;
        accepted = check_log_in(call, accounts, factor, code.as_deref()).await?;
    }
}
