//! Rate limits that hold even if requests cannot be counted.

use jiff::Timestamp;
use taskbell_domain::{
    ports::RateLimits,
    rate_limit::{RateLimit, RateLimitKey},
};

use super::{Problem, Verdict, guard::record};

/// Records one more use, and refuses it if it cannot be recorded: for guesses at codes with few digits, where the limit is
/// all that protects them.
///
/// # Errors
/// 429 `too_many_requests`; 503 `unavailable` if it cannot be recorded.
pub(crate) async fn enforce_limit_strictly(
    store: &impl RateLimits,
    limit: RateLimit,
    key: RateLimitKey,
    now: Timestamp,
) -> Result<(), Problem> {
    let count = record(store, &limit, &key, 1, now).await.ok_or_else(Problem::unavailable)?;
    Verdict::Recorded(limit.after(count, now)).check()
}
