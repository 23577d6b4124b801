//! Accounts and sessions.

pub mod forgot_password;
pub mod log_in;
pub mod log_out;
pub mod refresh_session;
pub mod register_user;
pub mod reset_password;
pub mod undo_email_change;
pub mod verify_email;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use taskbell_domain::{clock::Random, credential::RefreshToken, user::User};

use crate::{
    http::{Problem, Reply},
    profiles::profile_view,
    tokens::{Identity, Issuer, LIFETIME},
};

/// The response to a log-in and to a refresh.
fn tokens(
    user: &User,
    refresh: &RefreshToken,
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
    Reply::json(
        StatusCode::OK,
        &json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": LIFETIME.as_secs(),
            "refresh_token": refresh.to_text(),
            "user": profile_view(user),
        }),
    )
}
