//! `POST /v1/me/verify-email`: mails a link by which the caller proves the address of the account.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    clock::{Clock, Random},
    id::NotificationId,
    notification::{Notification, NotificationKind},
    ports::{Notifications, RateLimits, TimerQueue},
    rate_limit::{CODES, RateLimitKey},
};

use crate::{
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Problem, Reply, enforce_limit},
};

/// Sends it also where mail has been stopped: it is the way back.
///
/// # Errors
/// 401, 429.
pub async fn handle(
    call: &Call,
    store: &(impl Notifications + RateLimits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let to = call.caller()?.user;
    enforce_limit(store, CODES, RateLimitKey::user(to), 1, now).await?;
    call.admit().await?;
    let notification = Notification::new(
        NotificationId::generate(clock, random),
        NotificationKind::Verification { to },
        now,
    );
    store.add_notification(&notification, None).await?;
    enqueue_if_soon(queue, [notification.timer()], now).await;
    let detail = "A link is on its way to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
