//! `POST /v1/me/operator`: makes the caller an operator, if the address of the account is the one that the stack
//! names and the caller can read what is sent there.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    clock::{Clock, Random},
    email::EmailAddress,
    id::NoticeId,
    limit::{CODES, Subject},
    notice::{CODE_LIFETIME, Code, Content, Notice},
    ports::{Limits, Notices, ProfileChanges, Replaced, TimerQueue},
    user::{AccountRole, User, UserPatch},
};

use super::profile_view;
use crate::{
    handlers::TRIES,
    http::{Call, Fields, Problem, Reply, limited, read},
    ring_soon::ring_soon,
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
        call.admitted().await?;
        return redeem(store, user, &code, clock).await;
    }
    limited(store, CODES, Subject::user(caller.user), 1, now).await?;
    call.admitted().await?;
    let content = Content::OperatorCode { to: user.id, secret_hash: None };
    let notice = Notice::new(NoticeId::generate(clock, random), content, now);
    store.add_notice(&notice, None).await?;
    ring_soon(queue, [notice.timer()], now).await;
    let detail = "A code is on its way to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}

async fn redeem(
    store: &(impl ProfileChanges + Notices),
    mut user: User,
    code: &str,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let invalid = || {
        let detail = "The code is unknown, used or expired: ask for a new one.";
        Problem::new(StatusCode::NOT_FOUND, "invalid_code", detail)
    };
    let code = Code::parse(code).ok_or_else(invalid)?;
    let mut notice = store.notice(code.notice).await?.ok_or_else(invalid)?;
    let right = Content::OperatorCode { to: user.id, secret_hash: Some(code.hash()) };
    if notice.content != right || notice.created_at + CODE_LIFETIME <= now {
        return Err(invalid());
    }
    let patch = UserPatch { role: Some(AccountRole::Operator), ..UserPatch::default() };
    let mut made = false;
    for _ in 0..TRIES {
        let read = user.version;
        if !user.apply(patch.clone(), now) || store.replace_user(&user, read).await? == Replaced::Done {
            made = true;
            break;
        }
        user = store.user(user.id).await?.ok_or_else(Problem::unauthorized)?;
    }
    // It works once. Only after it has worked: should this fail, it can be used again.
    for _ in 0..TRIES {
        let read = notice.version;
        notice.content = Content::OperatorCode { to: user.id, secret_hash: None };
        notice.version += 1;
        match store.replace_notice(&notice, read).await? {
            Replaced::Done if made => return Reply::json(StatusCode::OK, &profile_view(&user)),
            Replaced::Conflict(Some(present)) => notice = *present,
            _ => break,
        }
    }
    Err(Problem::busy())
}
