//! Accounts and sessions.

pub mod forgot_password;
pub mod log_in;
pub mod log_out;
pub mod refresh_session;
pub mod register_user;
pub mod reset_password;
mod session_cookie;
pub mod undo_email_change;
pub mod verify_email;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use taskbell_domain::{
    clock::Random,
    credential::{Credential, RefreshToken},
    email::EmailAddress,
    id::UserId,
    ports::{Credentials, Profiles, RateLimits, SecondFactors},
    rate_limit::{LOG_INS_TO_ACCOUNT, RateLimitKey},
    second_factor::SecondFactor,
    user::User,
};

use self::session_cookie::Carrier;
use crate::{
    http::{Call, Problem, Reply, disabled, enforce_limit},
    passwords,
    profiles::profile_view,
    tokens::{Identity, Issuer, LIFETIME},
};

/// An account whose password was given.
pub(crate) struct Authenticated {
    /// The address, as it was given.
    pub(crate) email: EmailAddress,
    /// The credential that was checked.
    pub(crate) credential: Credential,
    /// The account, whose address is verified.
    pub(crate) user: User,
    /// Its second factor, confirmed or not. It was not checked.
    pub(crate) factor: Option<SecondFactor>,
}

/// The account with an address and a password. `None` if the address is unknown or not verified, or the password is wrong,
/// each after the same work: everything is read before the password is checked, for an address without an account under
/// an id that no account has. So neither the response nor the number of calls shows who has an account.
///
/// # Errors
/// 403 if the account is blocked; 429 beyond the limit of log-ins to the account.
pub(crate) async fn authenticate(
    call: &Call<'_>,
    store: &(impl Credentials + Profiles + SecondFactors + RateLimits),
    email: &str,
    password: &str,
) -> Result<Option<Authenticated>, Problem> {
    let email = EmailAddress::parse_trusted(email).ok();
    let credential = match &email {
        Some(address) => {
            let key = RateLimitKey::account(call.source_ip(), address);
            let tried = enforce_limit(store, LOG_INS_TO_ACCOUNT, key, 1, call.now());
            let (tried, found) = futures_util::join!(tried, store.credential(address));
            tried?;
            found?
        }
        None => None,
    };
    let id = credential.as_ref().map(|found| found.user);
    let id = id.unwrap_or_else(|| UserId::generate(call.clock(), call.random()));
    let (user, factor) = futures_util::try_join!(store.user(id), store.second_factor(id))?;
    call.admit().await?;
    let hash = credential.as_ref().map(|found| found.password_hash.as_str());
    if !passwords::verify(password, hash) {
        return Ok(None);
    }
    // Anyone may have registered an account whose address is not verified. If its log-in differed, a registration and a
    // log-in would show whether the address had an account before.
    let user = user.filter(|user| user.email_verified_at.is_some());
    let (Some(email), Some(credential), Some(user)) = (email, credential, user) else {
        return Ok(None);
    };
    if user.disabled_at.is_some() {
        return Err(disabled());
    }
    Ok(Some(Authenticated { email, credential, user, factor }))
}

/// The response to a log-in and to a refresh.
fn tokens(
    user: &User,
    (refresh, carrier): (&RefreshToken, Carrier),
    issuer: &Issuer,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    // Revocation sets the cutoff some seconds ahead.
    let issued_at = user.tokens_valid_from.map_or(now, |from| from.max(now));
    let identity = Identity { user: user.id, session: refresh.session, issued_at };
    let access = issuer.issue(identity, random).map_err(|error| {
        tracing::error!(%error, "signing an access token failed");
        Problem::internal()
    })?;
    let mut session = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "user": profile_view(user),
    });
    if carrier == Carrier::Body {
        session["refresh_token"] = json!(refresh.to_text());
    }
    carrier.attach(Reply::json(StatusCode::OK, &session)?, refresh)
}
