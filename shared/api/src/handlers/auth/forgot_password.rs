//! `POST /v1/auth/forgot-password`: mails a code with which another password can be set.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    clock::{Clock, Random},
    email::EmailAddress,
    id::UserId,
    limit::{CODES, RESETS_OF_ACCOUNT, Subject},
    notice::Purpose,
    ports::{Credentials, Limits, Notices, TimerQueue},
};

use crate::{
    handlers::codes,
    http::{Call, Fields, Problem, Reply, limited, read},
};

/// Answers the same, after the same work, whether there is such an account or not: for an address that is nobody's
/// the notice names an account that there is not.
///
/// # Errors
/// 422, 429, and those of every body.
pub async fn handle(
    call: &Call,
    store: &(impl Credentials + Notices + Limits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse_trusted));
    let email = fields.finish(email)?;
    limited(store, CODES, Subject::account(call.address(), &email), 1, clock.now()).await?;
    let found = store.credential(&email).await?;
    call.admitted().await?;
    let to = found.map_or_else(|| UserId::generate(clock, random), |credential| credential.user);
    // What one mailbox gets is limited, too, from wherever it is asked for; nobody is told.
    if limited(store, RESETS_OF_ACCOUNT, Subject::user(to), 1, clock.now()).await.is_ok() {
        codes::send(store, queue, to, Purpose::PasswordReset, clock, random).await?;
    }
    let detail = "If there is an account with this address, a code is on its way to it.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
