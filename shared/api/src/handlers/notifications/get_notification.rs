//! `GET /v1/notifications/{notification_id}`: what became of a message, for operators. Two calls.

use http::StatusCode;
use taskbell_domain::ports::{Notifications, Profiles};

use super::View;
use crate::{
    handlers::users::require_operator,
    http::{Call, Problem, Reply},
};

/// Answers with the message and its delivery. It is kept for ninety days.
///
/// # Errors
/// 401, 403, 404.
pub async fn handle(call: &Call, store: &(impl Notifications + Profiles)) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    require_operator(store, caller).await?;
    let id = call.path("notification_id").parse().map_err(|_| Problem::not_found())?;
    let notification = store.notification(id).await?.ok_or_else(Problem::not_found)?;
    Reply::json(StatusCode::OK, &View::of(&notification).ok_or_else(Problem::not_found)?)
}
