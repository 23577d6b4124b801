//! `POST /v1/auth/reset-password`: sets another password with the code that was mailed.

use http::StatusCode;
use taskbell_domain::{
    clock::{Clock, Random},
    credential::Credential,
    notice::Purpose,
    ports::{Accounts, Credentials, Notices},
    violation::Violation,
};

use super::verify_email::verify;
use crate::{
    handlers::codes,
    http::{Call, Fields, Problem, Reply, disabled, read},
    passwords,
};

/// Sets the password, and ends all sessions: whoever knew the old one is out, and so is who holds an older code. Access
/// tokens that were issued before run out within 15 minutes. Who could read the code has proven the address, too.
///
/// # Errors
/// 403 `account_disabled`, 404 `invalid_code`, 409 `busy`, 422, 429, and those of every body.
pub async fn handle(
    call: &Call,
    store: &(impl Accounts + Credentials + Notices),
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let code = fields.required("code", read::any_text);
    let password = fields.required("password", read::any_text);
    let (code, password) = fields.finish(code.zip(password))?;
    let weak = |violation: Violation| violation.at("password");
    // Before the code is looked at, so that a password that is refused uses up nothing.
    passwords::check_new(&password, &[]).map_err(weak)?;
    let opened = codes::open(store, &code, Purpose::PasswordReset, clock.now()).await?;
    let user = store.user(opened.user).await?.ok_or_else(codes::invalid)?;
    if user.disabled_at.is_some() {
        return Err(disabled());
    }
    passwords::check_new(&password, &[user.email.as_str(), user.name.as_str()]).map_err(weak)?;
    call.admitted().await?;
    let password_hash = passwords::hash(&password, random).map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        Problem::internal()
    })?;
    let credential = Credential { user: user.id, password_hash };
    if !store.replace_credential(&user.email, &credential, &opened.notice, clock.now()).await? {
        return Err(codes::invalid());
    }
    store.close_sessions(user.id).await?;
    verify(store, user, clock).await?;
    opened.close(store).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
