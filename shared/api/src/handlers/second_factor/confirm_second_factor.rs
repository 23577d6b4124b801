//! Confirms a second factor.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    account_event::AccountEvent,
    ports::{
        LiveConnections, Profiles, PushQueue, RateLimits, SecondFactorChanges, Sessions, TimerQueue,
    },
    rate_limit::{RateLimitKey, SECOND_FACTOR_CONFIRMATIONS},
    totp::RecoveryCode,
};

use super::{notice, start_second_factor::active, wrong_code};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Fields, Problem, Reply, check_state, enforce_limit_strictly, read},
    live::end_connections,
    tokens::Identity,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "confirm-second-factor",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/second-factor/confirm",
    operations: &[Operation {
        method: "POST",
        summary: "Confirm a second factor",
        description: "Takes a code of the authenticator app. From then on log-ins need one. The recovery codes are in this response only: each replaces a code once. All other sessions end, the address of the account is informed by email, and earlier access tokens are no longer valid: refresh the session afterwards.",
        parameters: &[],
        request: Some("ConfirmSecondFactorRequest"),
        responses: &[(200, Body::Json("RecoveryCodes"))],
        errors: &["second_factor_active", "second_factor_not_started", "busy"],
    }],
};

/// Stores the confirmation together with the profile and the mail about it. Then all other sessions end: they were opened
/// without the factor. Should that be interrupted, their refresh tokens are refused because they are older.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SecondFactorChanges + Profiles + Sessions + LiveConnections + RateLimits),
    queue: &impl TimerQueue,
    pushes: &impl PushQueue,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let Identity { session, .. } = caller.session()?;
    let mut fields = Fields::of(call)?;
    let code = fields.required("code", read::any_text);
    let code = fields.finish(code)?;
    call.admit().await?;
    let key = RateLimitKey::user(caller.user);
    enforce_limit_strictly(store, SECOND_FACTOR_CONFIRMATIONS, key, call.now()).await?;
    let mut attempts = Attempts::new();
    let (codes, notification) = loop {
        attempts.begin()?;
        let now = call.now();
        let read = futures_util::try_join!(store.user(caller.user), store.second_factor(caller.user));
        let (user, factor) = read?;
        let mut user = user.ok_or_else(Problem::unauthorized)?;
        check_state(user.state(), caller)?;
        if factor.as_ref().is_some_and(|factor| factor.is_confirmed()) {
            return Err(active());
        }
        let mut factor =
            factor.filter(|factor| factor.can_be_confirmed(now)).ok_or_else(not_started)?;
        let codes = factor.confirm(&code, now, call.random()).ok_or_else(wrong_code)?;
        user.add_second_factor(session, now);
        let notification = notice(call, user.id, AccountEvent::SecondFactorAdded);
        if store.confirm_second_factor(&factor, &user, &notification).await? {
            break (codes, notification);
        }
    };
    store.close_other_sessions(caller.user, session).await?;
    end_connections(store, pushes, caller.user, |open| open.session != session).await?;
    enqueue_if_soon(queue, [notification.timer()], call.now()).await;
    tracing::info!("second factor added");
    let codes: Vec<_> = codes.iter().map(RecoveryCode::to_text).collect();
    Reply::json(StatusCode::OK, &json!({ "recovery_codes": codes }))
}

fn not_started() -> Problem {
    let detail = "There is no second factor that can be confirmed: start one.";
    Problem::conflict("second_factor_not_started", detail)
}
