//! `POST /v1/auth/logout`: ends the session of the access token.

use http::StatusCode;
use taskbell_domain::{clock::Clock, ports::Sessions};

use crate::{
    http::{Call, Problem, Reply, authenticate},
    tokens::Verifier,
};

/// Ends the session: its refresh token works no more. Access tokens live out their quarter of an hour.
///
/// # Errors
/// 401.
pub async fn handle(
    call: &Call,
    accounts: &impl Sessions,
    verifier: &Verifier,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let caller = authenticate(call, verifier, clock.now())?;
    accounts.close_session(caller.user, caller.session).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
