//! The second factor of an account: how it is added, checked and removed.

pub mod confirm_second_factor;
pub mod delete_second_factor;
pub mod remove_second_factor;
pub mod start_second_factor;

use taskbell_domain::{
    account_event::AccountEvent,
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    ports::RateLimits,
    rate_limit::{RateLimitKey, SECOND_FACTORS},
    second_factor::SecondFactor,
    violation::Violation,
};

use crate::http::{Call, Problem, enforce_limit_strictly};

/// Checks the code of a log-in whose password was right. Returns the confirmed factor that has accepted it, which must be
/// stored on condition of the version before; `None` if the account has no confirmed one.
///
/// # Errors
/// 401 `second_factor_required` or `invalid_second_factor`; 429; 503 if the attempt cannot be counted.
pub(super) async fn check_log_in(
    call: &Call<'_>,
    store: &impl RateLimits,
    factor: Option<SecondFactor>,
    code: Option<&str>,
) -> Result<Option<SecondFactor>, Problem> {
    let Some(mut factor) = factor.filter(SecondFactor::is_confirmed) else { return Ok(None) };
    let Some(code) = code else {
        let detail = "This account has a second factor: send `code` as well.";
        return Err(Problem::invalid_credentials("second_factor_required", detail));
    };
    count_attempt(call, store, factor.user).await?;
    match factor.accept(code, call.now()) {
        true => Ok(Some(factor)),
        false => {
            let detail = "The code is wrong or was used before: send the next one.";
            Err(Problem::invalid_credentials("invalid_second_factor", detail))
        }
    }
}

/// Counts a code before it is checked. Only who has the password gets here, so strangers cannot lock the owner out.
async fn count_attempt(call: &Call<'_>, store: &impl RateLimits, user: UserId) -> Result<(), Problem> {
    enforce_limit_strictly(store, SECOND_FACTORS, RateLimitKey::user(user), call.now()).await
}

/// 422: the code of the body is not one of the factor.
fn wrong_code() -> Problem {
    let why = "The code is wrong or was used before.";
    Violation::new("wrong_code", why).for_field("code").into()
}

/// The mail about a change of the second factor.
fn notice(call: &Call<'_>, to: UserId, event: AccountEvent) -> Notification {
    let id = NotificationId::generate(call.clock(), call.random());
    Notification::new(id, NotificationKind::Account { to, event }, call.now())
}
