//! Mails a link that verifies the caller's email address.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    id::NotificationId,
    notification::{Notification, NotificationKind},
    ports::{Notifications, RateLimits, TimerQueue},
    rate_limit::{CODES, RateLimitKey},
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Problem, Reply, enforce_limit},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "send-verification",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/verify-email",
    operations: &[Operation {
        method: "POST",
        summary: "Send a verification email",
        description: "Sends a link that verifies the caller's email address. Nothing is sent if the address is already verified.",
        parameters: &[],
        request: None,
        responses: &[(202, Body::Json("Accepted"))],
        errors: &[],
    }],
};

/// Sends the mail even to a suppressed address: verifying it lifts the suppression.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Notifications + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let to = call.caller()?.user;
    call.admit().await?;
    enforce_limit(store, CODES, RateLimitKey::user(to), 1, now).await?;
    let notification = Notification::new(
        NotificationId::generate(call.clock(), random),
        NotificationKind::Verification { to },
        now,
    );
    store.add_notification(&notification, None).await?;
    enqueue_if_soon(queue, [notification.timer()], now).await;
    let detail = "A link will be sent to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
