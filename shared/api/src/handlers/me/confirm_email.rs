//! Makes the address that a code was mailed to that of the caller's account.

use http::StatusCode;
use taskbell_domain::{
    id::NotificationId,
    notification::{Notification, NotificationKind},
    one_time_code::{EMAIL_CHANGE_UNDO, Purpose},
    ports::{
        Credentials, EmailChange, EmailChanged, EmailChanges, Notifications, Profiles, RateLimits,
        Sessions, TimerQueue,
    },
    rate_limit::{EMAIL_CHANGES, RateLimitKey},
    secret::link_token,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{codes, sessions::require_open},
    http::{Call, Fields, Params, Problem, Reply, check_state, enforce_limit, read},
    log_id::log_id,
    passwords,
    profiles::profile_view,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "confirm-email",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/email/confirm",
    operations: &[Operation {
        method: "POST",
        summary: "Confirm the new email address",
        description: "Makes the address that the code was sent to the one of the account, and verifies it. Sessions and tokens stay valid; links in emails to the previous address stop working. If the previous address was verified, a code is sent to it that undoes the change within 72 hours; until then nobody else can register it.",
        parameters: &[],
        request: Some("ConfirmEmailRequest"),
        responses: &[(200, Body::Json("Profile"))],
        errors: &["invalid_code", "email_taken", "busy"],
    }],
};

/// Responds with the profile. The role of the account does not change, whatever the address: only the code of
/// `become-operator` makes an operator.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl EmailChanges + Credentials + Profiles + RateLimits + Sessions + Notifications),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let random = call.random();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let text = fields.required("code", read::any_text);
    let text = fields.finish(text)?;
    call.admit().await?;
    let (mut attempts, mut is_counted) = (Attempts::new(), false);
    loop {
        attempts.begin()?;
        let now = call.now();
        let user = async { Ok::<_, Problem>(store.user(caller.user).await?) };
        let (user, _) = futures_util::try_join!(user, require_open(store, caller, now))?;
        let mut user = user.ok_or_else(Problem::unauthorized)?;
        check_state(user.state(), caller)?;
        let code = codes::verify(store, &text, Purpose::EmailChange, now).await?;
        if code.user != user.id
            || user.outdates_code(Purpose::EmailChange, code.notification.created_at)
        {
            return Err(codes::invalid());
        }
        let email = code.address().cloned().ok_or_else(codes::invalid)?;
        if !is_counted {
            enforce_limit(store, EMAIL_CHANGES, RateLimitKey::user(user.id), 1, now).await?;
            is_counted = true;
        }
        let found = store.credential(&user.email).await?.filter(|found| found.user == user.id);
        let credential = found.ok_or_else(Problem::internal)?;

        let previous = user.email.clone();
        let undo = (user.email_verified_at.is_some() && previous != email).then(|| {
            let (to, address) = (user.id, Some(previous.clone()));
            let purpose = Purpose::EmailChangeUndo;
            let kind = NotificationKind::Code { to, purpose, address, secret_hash: None };
            Notification::new(NotificationId::generate(call.clock(), random), kind, now)
        });
        user.change_email(email, undo.as_ref().map(|undo| undo.id), link_token(random), now);
        let change = EmailChange {
            code: &code.mark_used(),
            user: &user,
            previous: &previous,
            hash: &credential.password_hash,
            locked_hash: passwords::LOCKED,
            // Nobody can need an address that was not verified to undo the change.
            reserved_until: if undo.is_some() { now + EMAIL_CHANGE_UNDO } else { now },
            undo: undo.as_ref(),
        };
        match store.change_email(change).await? {
            EmailChanged::Done => {
                enqueue_if_soon(queue, undo.map(|undo| undo.timer()), now).await;
                tracing::info!(user = log_id(user.id), "address changed");
                return Reply::json(StatusCode::OK, &profile_view(&user));
            }
            EmailChanged::EmailTaken => {
                let detail = "Another account has this email address.";
                return Err(Problem::conflict("email_taken", detail));
            }
            EmailChanged::Conflict => {}
        }
    }
}
