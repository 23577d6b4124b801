//! The handlers of the API routes: `handlers/<resource>/<operation>.rs`.

pub mod api_tokens;
pub mod app;
pub mod auth;
pub mod changes;
pub(crate) mod codes;
pub mod comments;
mod deletion;
pub(crate) mod delivery;
pub mod docs;
pub mod health;
pub(crate) mod idempotency;
pub mod invitations;
pub mod links;
pub mod me;
pub mod notifications;
pub mod openapi;
mod own_password;
pub mod second_factor;
pub mod sessions;
pub mod spaces;
pub mod statistics;
pub mod tasks;
pub mod transfer;
pub mod users;

use std::{future::Future, time::Duration};

use jiff::SignedDuration;

use crate::http::{Call, Problem};

/// How long before the deadline a handler stops work. The rest of the time is for the response.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_secs(1);

/// Runs work that can exceed one request. Completed parts are kept, so a repeated request continues.
///
/// # Errors
/// 409 `not_finished` if time runs out, and the errors of the work.
async fn before_deadline<T>(
    call: &Call<'_>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let left = call.now().duration_until(call.deadline() - TIME_TO_ANSWER);
    let left = Duration::try_from(left).unwrap_or_default();
    tokio::time::timeout(left, work).await.unwrap_or_else(|_| Err(Problem::not_finished()))
}
