//! `GET /v1/me`: the caller's profile.

use http::StatusCode;
use taskbell_domain::ports::Profiles;

use super::profile_view;
use crate::http::{Call, Problem, Reply};

/// Answers with the profile.
///
/// # Errors
/// 401, also when the account is gone.
pub async fn handle(call: &Call, accounts: &impl Profiles) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let user = accounts.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    Reply::json(StatusCode::OK, &profile_view(&user))
}
