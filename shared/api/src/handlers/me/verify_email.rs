//! `POST /v1/me/verify-email`: mails a link by which the caller proves the address of the account.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    clock::{Clock, Random},
    id::NoticeId,
    limit::{CODES, Subject},
    notice::{Content, Notice},
    ports::{Limits, Notices, TimerQueue},
};

use crate::{
    http::{Call, Problem, Reply, limited},
    ring_soon::ring_soon,
};

/// Sends it also where mail has been stopped: it is the way back.
///
/// # Errors
/// 401, 429.
pub async fn handle(
    call: &Call,
    store: &(impl Notices + Limits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let to = call.caller()?.user;
    limited(store, CODES, Subject::user(to), 1, now).await?;
    call.admitted().await?;
    let notice = Notice::new(NoticeId::generate(clock, random), Content::Verification { to }, now);
    store.add_notice(&notice, None).await?;
    ring_soon(queue, [notice.timer()], now).await;
    let detail = "A link is on its way to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
