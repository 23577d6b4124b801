//! `GET /v1/users/{user_id}`: one account, for operators. Two calls.

use http::StatusCode;
use taskbell_domain::ports::Profiles;

use super::{account_view, require_operator, user_id};
use crate::http::{Call, Problem, Reply};

/// Answers with the account.
///
/// # Errors
/// 401, 403, 404.
pub async fn handle(call: &Call, store: &impl Profiles) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    require_operator(store, caller).await?;
    let user = store.user(user_id(call)?).await?.ok_or_else(Problem::not_found)?;
    Reply::json(StatusCode::OK, &account_view(&user))
}
