//! `POST /v1/notifications`: an operator writes to a user. The mail goes the way of the reminders: the same queue, worker
//! and ledger.

use http::{StatusCode, header};
use taskbell_domain::{
    clock::{Clock, Random},
    id::{NoticeId, UserId},
    notice::{Content, Notice},
    ports::{Created, Notices, Profiles, TimerQueue},
    text::{MessageText, Subject},
    violation::Violation,
};

use super::View;
use crate::{
    handlers::{
        idempotency::{Key, replayed},
        users::require_operator,
    },
    http::{Call, Fields, Params, Problem, Reply, read},
    ring_soon::ring_soon,
};

/// Takes the message; answers 201 with it. What becomes of it, [`super::get`] tells.
///
/// # Errors
/// 401, 403, 422, and those of every body.
pub async fn handle(
    call: &Call,
    store: &(impl Notices + Profiles),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let to = fields.required("user_id", read::text(read::id::<UserId>));
    let subject = fields.required("subject", read::text(Subject::parse));
    let text = fields.required("text", read::text(MessageText::parse));
    let ((to, subject), text) = fields.finish(to.zip(subject).zip(text))?;
    require_operator(store, caller).await?;
    if store.user(to).await?.is_none() {
        return Err(Violation::new("unknown_user", "There is no such account.").at("user_id").into());
    }
    call.admitted().await?;
    let content = Content::Message { to, by: caller.user, subject, text };
    let notice = Notice::new(NoticeId::generate(clock, random), content, now);
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    let record = key.as_ref().map(|key| key.record(&notice.id, StatusCode::CREATED.as_u16()));
    if let (Created::KeyUsed(used), Some(key)) =
        (store.add_notice(&notice, record.as_ref()).await?, key)
    {
        let found = store.notice(key.made(&used)?).await?;
        return replayed(found.map(|notice| made(&notice)).transpose()?);
    }
    ring_soon(queue, [notice.timer()], now).await;
    made(&notice)
}

fn made(notice: &Notice) -> Result<Reply, Problem> {
    Reply::json(StatusCode::CREATED, &View::of(notice))?
        .with(header::LOCATION, &format!("/v1/notifications/{}", notice.id))
}
