//! Removes a second factor whose codes are lost: by a code that is mailed and works only after a waiting time.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    account_event::AccountEvent,
    id::NotificationId,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::{
        Credentials, FactorRemoval, Notifications, Profiles, RateLimits, SecondFactorChanges,
        TimerQueue,
    },
    rate_limit::{RateLimit, RateLimitKey, SECOND_FACTOR_REMOVALS},
    second_factor::SecondFactor,
    user::User,
    violation::Violation,
};

use super::notice;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{
        auth::{Authenticated, authenticate},
        codes,
    },
    http::{Call, Fields, Problem, Reply, disabled, enforce_limit, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "remove-second-factor",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Variable("LOG_INS_PER_MINUTE", RateLimit::log_ins),
    path: "/v1/auth/second-factor/remove",
    operations: &[Operation {
        method: "POST",
        summary: "Remove a lost second factor",
        description: "For users who have lost the authenticator app and all recovery codes. With `email` and `password`, a code is sent by email (202). It works from 24 to 72 hours after the request; sending it as `code` removes the second factor (204). A log-in with the second factor cancels the request. A repeated request replaces the code, not the time. An unknown address, a wrong password and an account without second factor get the same response.",
        parameters: &[],
        request: Some("RemoveSecondFactorRequest"),
        responses: &[(202, Body::Json("Accepted")), (204, Body::Empty)],
        errors: &["invalid_credentials", "invalid_code", "account_disabled", "busy"],
    }],
};

/// Without a code, records the request and mails one, 202. With it, removes the factor, 204.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Credentials + Profiles + SecondFactorChanges + Notifications + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    if let Some(code) = fields.optional("code", read::any_text) {
        let email = fields.optional("email", read::any_text);
        let password = fields.optional("password", read::any_text);
        fields.finish(Some(()))?;
        if email.or(password).is_some() {
            let why = "Send either a code, or an address and a password.";
            return Err(Violation::new("unsupported", why).for_field("code").into());
        }
        call.admit().await?;
        return redeem(call, store, queue, &code).await;
    }
    let email = fields.required("email", read::any_text);
    let password = fields.required("password", read::any_text);
    let (email, password) = fields.finish(email.zip(password))?;
    let (user, factor) = owner(call, store, &email, &password).await?;
    // Exceeding the limit does not change the response: a code was mailed already.
    let key = RateLimitKey::user(user.id);
    if enforce_limit(store, SECOND_FACTOR_REMOVALS, key, 1, call.now()).await.is_ok() {
        request(call, store, queue, factor).await?;
    }
    let detail = "A code will be sent to the address of this account. It works from 24 hours after the first request on.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}

/// The account with this address and password, and its confirmed factor. As at a log-in, an unknown address and a wrong
/// password get the same response after the same work.
async fn owner(
    call: &Call<'_>,
    store: &(impl Credentials + Profiles + SecondFactorChanges + RateLimits),
    email: &str,
    password: &str,
) -> Result<(User, SecondFactor), Problem> {
    let authenticated = authenticate(call, store, email, password).await?;
    let Authenticated { user, factor, .. } = authenticated.ok_or_else(refused)?;
    let factor = factor.filter(SecondFactor::is_confirmed).ok_or_else(refused)?;
    Ok((user, factor))
}

/// Records the request and mails the code. Of a new request, another mail tells from when on the code works.
async fn request(
    call: &Call<'_>,
    store: &impl SecondFactorChanges,
    queue: &impl TimerQueue,
    mut factor: SecondFactor,
) -> Result<(), Problem> {
    let (to, purpose) = (factor.user, Purpose::SecondFactorRemoval);
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let now = call.now();
        let id = NotificationId::generate(call.clock(), call.random());
        let kind = NotificationKind::Code { to, purpose, address: None, secret_hash: None };
        let mut notifications = vec![Notification::new(id, kind, now)];
        let expected = factor.version;
        let (removal, is_new) = factor.request_removal(id, now);
        if is_new {
            let at = removal.works_from();
            let event = AccountEvent::SecondFactorRemovalRequested { at };
            notifications.push(notice(call, to, event));
        }
        if store.store_second_factor(&factor, Some(expected), &notifications).await? {
            enqueue_if_soon(queue, notifications.iter().map(Notification::timer), now).await;
            tracing::info!("removal of a second factor requested");
            return Ok(());
        }
        let stored = store.second_factor(to).await?;
        factor = stored.filter(SecondFactor::is_confirmed).ok_or_else(refused)?;
    }
}

/// Removes the factor of the account that the code was mailed to, if the request stands and its waiting time is over.
async fn redeem(
    call: &Call<'_>,
    store: &(impl Profiles + SecondFactorChanges + Notifications),
    queue: &impl TimerQueue,
    code: &str,
) -> Result<Reply, Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let now = call.now();
        let opened = codes::verify(store, code, Purpose::SecondFactorRemoval, now).await?;
        let id = opened.user;
        let (user, factor) = futures_util::try_join!(store.user(id), store.second_factor(id))?;
        let (mut user, factor) = user.zip(factor).ok_or_else(codes::invalid)?;
        if user.disabled_at.is_some() {
            return Err(disabled());
        }
        let standing = factor.removal.filter(|removal| {
            removal.notification == opened.notification.id && !removal.has_expired(now)
        });
        if now < standing.ok_or_else(codes::invalid)?.works_from() {
            let detail = "The code works from 24 hours after the request on.";
            return Err(Problem::new(StatusCode::NOT_FOUND, "invalid_code", detail));
        }
        user.remove_second_factor(now);
        let code = opened.mark_used();
        let notification = notice(call, user.id, AccountEvent::SecondFactorRemoved);
        let removal = FactorRemoval {
            factor: &factor,
            user: &user,
            code: Some(&code),
            notification: &notification,
        };
        if store.remove_second_factor(removal).await? {
            enqueue_if_soon(queue, [notification.timer()], now).await;
            tracing::info!("second factor removed after the waiting time");
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
    }
}

/// 401: there is no account with a second factor and this address, or the password is wrong.
fn refused() -> Problem {
    let detail = "The email address or the password is wrong, or the account has no second factor.";
    Problem::invalid_credentials("invalid_credentials", detail)
}
