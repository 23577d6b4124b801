//! Sends a message from an operator to a user. It uses the queue, the worker and the delivery log of reminders.

use http::{StatusCode, header};
use taskbell_domain::{
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    ports::{IdempotencyRecord, Notifications, Profiles, TimerQueue},
    text::{MessageSubject, MessageText},
    user::OperatorSecondFactor,
    violation::Violation,
};

use super::View;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{
        idempotency::{Key, create_once, created},
        users::require_operator,
    },
    http::{Call, Fields, Params, Problem, Reply, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-notification",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/notifications",
    operations: &[Operation {
        method: "POST",
        summary: "Send a message to a user",
        description: "Sends a message to a user by email. Its delivery is tracked like a reminder's.",
        parameters: &["Idempotency-Key"],
        request: Some("CreateNotificationRequest"),
        responses: &[(201, Body::Json("Notification"))],
        errors: &["already_deleted"],
    }],
};

/// Stores and enqueues the message. Responds 201 with it. [`super::get_notification`] returns its delivery.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Notifications + Profiles),
    queue: &impl TimerQueue,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let to = fields.required("user_id", read::text(read::id::<UserId>));
    let subject = fields.required("subject", read::text(MessageSubject::parse));
    let text = fields.required("text", read::text(MessageText::parse));
    let ((to, subject), text) = fields.finish(to.zip(subject).zip(text))?;
    require_operator(store, caller, second_factor).await?;
    if store.user(to).await?.is_none() {
        return Err(Violation::new("unknown_user", "This account does not exist.")
            .for_field("user_id")
            .into());
    }
    call.admit().await?;
    let kind = NotificationKind::Message { to, by: caller.user, subject, text };
    let notification = Notification::new(NotificationId::generate(call.clock(), random), kind, now);
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    let store_new = async |record: Option<IdempotencyRecord>| {
        Ok(store.add_notification(&notification, record.as_ref()).await?)
    };
    let find = async |id| Ok(store.notification(id).await?);
    let replay = create_once(key.as_ref(), notification.id, store_new, find).await?;
    if replay.is_none() {
        enqueue_if_soon(queue, [notification.timer()], now).await;
    }
    created(replay, &notification, made)
}

fn made(notification: &Notification) -> Result<Reply, Problem> {
    Reply::json(StatusCode::CREATED, &View::of(notification))?
        .with(header::LOCATION, &format!("/v1/notifications/{}", notification.id))
}
