//! `POST /v1/auth/logout`: ends the session of the access token.

use http::StatusCode;
use taskbell_domain::ports::Sessions;

use crate::http::{Call, Problem, Reply};

/// Ends the session: its refresh token works no more. Access tokens live out their quarter of an hour.
///
/// # Errors
/// 401.
pub async fn handle(call: &Call, accounts: &impl Sessions) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    call.admit().await?;
    accounts.close_session(caller.user, caller.session).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
