//! Changes the caller's password.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    account_event::AccountEvent,
    credential::{RefreshToken, Session},
    id::{NotificationId, SessionId},
    notification::{Notification, NotificationKind},
    ports::{
        Credentials, LiveConnections, PasswordChange, PasswordChanges, Profiles, PushQueue, RateLimits,
        Sessions, TimerQueue,
    },
    violation::Violation,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{
        own_password,
        sessions::{label, require_open},
    },
    http::{Call, Fields, Params, Problem, Reply, check_state, read},
    live::end_connections,
    log_id::log_id,
    passwords,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "change-password",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/password",
    operations: &[Operation {
        method: "POST",
        summary: "Change the password",
        description: "Sets a new password. All sessions of the caller end, and access tokens and codes issued before stop working; API tokens stay valid. The refresh token in the response is that of a new session: refresh it at once. The address of the account is informed by email.",
        parameters: &[],
        request: Some("ChangePasswordRequest"),
        responses: &[(200, Body::Json("ChangedPassword"))],
        errors: &["busy"],
    }],
};

/// Sets the password and opens a session in one transaction, then ends all other sessions and the live connections. If it
/// is interrupted in between, refreshing a session refuses those that are older than the password.
///
/// The password is verified again after each conflict: it may have been reset.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl PasswordChanges + Credentials + Profiles + RateLimits + Sessions + LiveConnections),
    (queue, pushes): (&impl TimerQueue, &impl PushQueue),
) -> Result<Reply, Problem> {
    let random = call.random();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let present = fields.required("current_password", read::any_text);
    let wanted = fields.required("new_password", read::any_text);
    let (present, wanted) = fields.finish(present.zip(wanted))?;
    call.admit().await?;
    let mut new_hash = None;
    let mut attempts = Attempts::new();
    let (user, session, notification) = loop {
        attempts.begin()?;
        let user = async { Ok::<_, Problem>(store.user(caller.user).await?) };
        let (user, _) = futures_util::try_join!(user, require_open(store, caller, call.now()))?;
        let mut user = user.ok_or_else(Problem::unauthorized)?;
        check_state(user.state(), caller)?;
        if new_hash.is_none() {
            let own = [user.email.as_str(), user.name.as_str()];
            let weak = |violation: Violation| violation.for_field("new_password");
            passwords::check_new(&wanted, &own).map_err(weak)?;
        }
        let field = ("current_password", present.as_str());
        let credential = own_password::verify(call, store, &user, field).await?;
        let hash = match new_hash.take() {
            Some(hash) => hash,
            None => passwords::new_hash(&wanted, random)?,
        };
        // The current time, not that of the reads: sessions and codes from in between must become invalid.
        let now = call.now();
        user.change_password(now);
        let id = SessionId::generate(call.clock(), random);
        let token = RefreshToken::generate(user.id, id, random);
        let session = Session { label: label(call), ..Session::of(&token, now) };
        let kind = NotificationKind::Account { to: user.id, event: AccountEvent::PasswordChanged };
        let notification = Notification::new(NotificationId::generate(call.clock(), random), kind, now);
        let verified_hash = credential.password_hash.as_str();
        let change = PasswordChange {
            user: &user,
            verified_hash,
            hash: &hash,
            session: &session,
            notification: &notification,
        };
        if store.change_password(change).await? {
            break (user, token, notification);
        }
        new_hash = Some(hash);
    };
    store.close_other_sessions(user.id, session.session).await?;
    end_connections(store, pushes, user.id, |open| open.session != session.session).await?;
    enqueue_if_soon(queue, [notification.timer()], call.now()).await;
    tracing::info!(user = log_id(user.id), "password changed");
    Reply::json(StatusCode::OK, &json!({ "refresh_token": session.to_text() }))
}
