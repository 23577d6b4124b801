//! `POST /v1/me/operator`: makes the caller an operator, if the address of the account is the one that the stack
//! names and the caller can read what is sent there.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    clock::{Clock, Random},
    email::EmailAddress,
    limit::{CODES, Subject},
    notice::Purpose,
    ports::{Limits, Notices, ProfileChanges, TimerQueue},
    user::{AccountRole, UserPatch},
};

use super::{change, profile_view};
use crate::{
    handlers::codes,
    http::{Call, Fields, Problem, Reply, limited, read},
};

/// Without a code it mails one to the caller and answers 202. With it, it answers with the profile of an operator.
///
/// # Errors
/// 401, 403 (the address is another one), 404 `invalid_code`, 409 `busy`, 422, 429, and those of every body.
pub async fn handle(
    call: &Call,
    store: &(impl ProfileChanges + Notices + Limits),
    queue: &impl TimerQueue,
    operator: Option<&EmailAddress>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let code = fields.optional("code", read::any_text);
    let code = fields.finish(Some(code))?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    if operator.map(EmailAddress::canonical) != Some(user.email.canonical()) {
        let detail = "The address of this account is not that of the stack's operator.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    if let Some(code) = code {
        let opened = codes::open(store, &code, Purpose::Operator, now).await?;
        if opened.user != user.id {
            return Err(codes::invalid());
        }
        call.admitted().await?;
        let patch = UserPatch { role: Some(AccountRole::Operator), ..UserPatch::default() };
        let user = change(store, user, |user| user.apply(patch.clone(), now)).await?;
        opened.close(store).await?;
        return Reply::json(StatusCode::OK, &profile_view(&user));
    }
    limited(store, CODES, Subject::user(caller.user), 1, now).await?;
    call.admitted().await?;
    codes::send(store, queue, user.id, Purpose::Operator, clock, random).await?;
    let detail = "A code is on its way to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
