//! Removes the second factor by one of its codes.

use http::StatusCode;
use taskbell_domain::{
    account_event::AccountEvent,
    ports::{Credentials, FactorRemoval, Profiles, RateLimits, SecondFactorChanges, TimerQueue},
    second_factor::SecondFactor,
};

use super::{count_attempt, notice, wrong_code};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::own_password,
    http::{Call, Fields, Problem, Reply, check_state, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-second-factor",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/second-factor",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete the second factor",
        description: "Takes the password, and a code of the authenticator app or a recovery code. Log-ins need only the password from then on. Sessions stay open, and the address of the account is informed by email.",
        parameters: &[],
        request: Some("DeleteSecondFactorRequest"),
        responses: &[(204, Body::Empty)],
        errors: &["not_found", "busy"],
    }],
};

/// Deletes the factor together with its mark on the profile.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SecondFactorChanges + Profiles + Credentials + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let password = fields.required("password", read::any_text);
    let code = fields.required("code", read::any_text);
    let (password, code) = fields.finish(password.zip(code))?;
    call.admit().await?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    count_attempt(call, store, user.id).await?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let read = futures_util::try_join!(store.user(caller.user), store.second_factor(caller.user));
        let (user, factor) = read?;
        let mut user = user.ok_or_else(Problem::unauthorized)?;
        check_state(user.state(), caller)?;
        let factor = factor.filter(SecondFactor::is_confirmed).ok_or_else(Problem::not_found)?;
        if !factor.clone().accept(&code, call.now()) {
            return Err(wrong_code());
        }
        user.remove_second_factor(call.now());
        let notification = notice(call, user.id, AccountEvent::SecondFactorRemoved);
        let removal =
            FactorRemoval { factor: &factor, user: &user, code: None, notification: &notification };
        if store.remove_second_factor(removal).await? {
            enqueue_if_soon(queue, [notification.timer()], call.now()).await;
            tracing::info!("second factor removed");
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
    }
}
