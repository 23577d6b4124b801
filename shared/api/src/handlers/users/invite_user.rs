//! Invites an address to register, for operators.

use futures_util::try_join;
use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    id::NotificationId,
    notification::{Notification, NotificationKind},
    ports::{Profiles, RateLimits, RegistrationInvitations, TimerQueue},
    rate_limit::{INVITATIONS, RateLimitKey},
    registration::{Admission, RegistrationInvitation, RegistrationPolicy},
    user::OperatorSecondFactor,
};

use super::require_operator;
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Fields, Params, Problem, Reply, enforce_limit, read},
    log_id::log_id,
    profiles::account_with,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "invite-user",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/users",
    operations: &[Operation {
        method: "POST",
        summary: "Invite an address to register",
        description: "Sends an invitation to an email address without an account. It may register for 7 days, if the stack admits invited addresses. A new invitation replaces the previous one, after 10 minutes.",
        parameters: &[],
        request: Some("InviteUserRequest"),
        responses: &[(202, Body::Json("Accepted"))],
        errors: &["email_taken", "invited_recently", "registration_closed"],
    }],
};

/// Responds 202 once the invitation is stored. The address may register at once, also if the mail is lost.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Profiles + RegistrationInvitations + RateLimits),
    queue: &impl TimerQueue,
    policy: &RegistrationPolicy,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let (now, caller) = (call.now(), call.caller()?);
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse));
    let email = fields.finish(email)?;
    let hash = email.hash();
    let reads = async {
        let previous = store.registration_invitation(&hash);
        Ok::<_, Problem>(try_join!(previous, account_with(call, store, &email))?)
    };
    let (_, (previous, existing)) =
        while_checked(require_operator(store, caller, second_factor), reads).await?;
    if policy.admission(&email) == Admission::Refused {
        let detail = "This stack admits no registrations: change its parameter Registration first.";
        return Err(Problem::conflict("registration_closed", detail));
    }
    if existing.is_some() {
        let detail = "An account with this email address already exists.";
        return Err(Problem::conflict("email_taken", detail));
    }
    if let Some(pause) = previous.and_then(|previous| previous.pause(now)) {
        let minutes = pause.as_secs().unsigned_abs().div_ceil(60);
        let detail =
            format!("This address was invited a short time ago: try again in {minutes} minutes.");
        return Err(Problem::conflict("invited_recently", detail));
    }
    call.admit().await?;
    enforce_limit(store, INVITATIONS, RateLimitKey::user(caller.user), 1, now).await?;
    let kind = NotificationKind::RegistrationInvitation { to: email.clone(), by: caller.user };
    let notification =
        Notification::new(NotificationId::generate(call.clock(), call.random()), kind, now);
    let invitation = RegistrationInvitation { email, invited_by: caller.user, created_at: now };
    store.invite_to_register(&invitation, &notification).await?;
    enqueue_if_soon(queue, [notification.timer()], now).await;
    tracing::info!(operator = log_id(caller.user), "address invited to register");
    let detail = "An invitation will be sent to this address.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}
