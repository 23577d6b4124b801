//! Authentication and rate limits. The request is recorded while the handler runs: a read is rejected after its work,
//! and a change waits for the decision with [`Call::admit`].

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use taskbell_domain::{
    id::UserId,
    ports::RateLimits,
    rate_limit::{Allowance, RateLimit, RateLimitKey, Usage},
};

use super::{Call, Problem, Reply};
use crate::tokens::{Identity, LIFETIME, Verifier};

/// The maximum number of remembered callers over their limit, and of users with revoked tokens, per function instance.
const MAX_REMEMBERED: usize = 1_000;

/// The time limit for recording a request.
const PATIENCE: Duration = Duration::from_secs(1);

/// The checks that run before and alongside a handler.
#[allow(async_fn_in_trait)] // used only with concrete types
pub trait RequestGuard {
    /// The caller. `None` if the endpoint is public.
    ///
    /// # Errors
    /// 401 `unauthorized` if the endpoint needs an access token and the request has no valid one.
    fn identify(&self, call: &Call<'_>) -> Result<Option<Identity>, Problem>;

    /// Whether the request must be recorded before the handler runs. This is the case for unauthenticated requests,
    /// whose handlers may not wait for the decision.
    fn records_first(&self) -> bool {
        true
    }

    /// A rejection without a call to the store, for a caller known to be over the limit or to have a revoked token.
    fn refuses(&self, call: &Call<'_>, caller: Option<Identity>) -> Option<Verdict>;

    /// Records the request against the rate limit.
    async fn record(&self, call: &Call<'_>, caller: Option<Identity>) -> Verdict;
}

/// The result of recording a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request was not recorded.
    Unrecorded,
    /// The request was recorded. It may exceed the limit.
    Recorded(Allowance),
    /// The caller is blocked.
    Blocked,
    /// The access token was issued before this time, from which the user's tokens are valid.
    Revoked(Timestamp),
}

impl Verdict {
    /// Returns the error of a rejected request.
    ///
    /// # Errors
    /// 401 `unauthorized`, 403 `account_disabled`, 429 `too_many_requests`.
    pub(super) fn check(self) -> Result<(), Problem> {
        match self {
            Self::Recorded(allowance) if allowance.exceeded => Err(too_many(allowance)),
            Self::Blocked => Err(disabled()),
            Self::Revoked(_) => Err(Problem::unauthorized()),
            Self::Unrecorded | Self::Recorded(_) => Ok(()),
        }
    }

    /// The rate limit headers (draft-ietf-httpapi-ratelimit-headers-10).
    pub(super) fn headers(self) -> Vec<(HeaderName, HeaderValue)> {
        let Self::Recorded(Allowance { limit, remaining, reset, .. }) = self else { return Vec::new() };
        let (name, window) = (limit.name, limit.window.as_secs());
        [
            ("ratelimit-policy", format!("\"{name}\";q={};w={window}", limit.max)),
            ("ratelimit", format!("\"{name}\";r={remaining};t={}", reset.as_secs())),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        })
        .collect()
    }
}

/// 403: an operator has blocked the account.
pub(crate) fn disabled() -> Problem {
    let detail = "An operator has blocked this account.";
    Problem::new(StatusCode::FORBIDDEN, "account_disabled", detail)
}

fn too_many(allowance: Allowance) -> Problem {
    let seconds = allowance.reset.as_secs().max(1);
    let what = allowance.limit.name.replace('-', " ");
    let detail = format!("Too many {what}: try again in {seconds} s.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).retry_after(seconds)
}

/// Records more uses against a limit that is stricter than that of the function.
///
/// # Errors
/// 429 `too_many_requests`.
pub(crate) async fn enforce_limit(
    store: &impl RateLimits,
    limit: RateLimit,
    key: RateLimitKey,
    more: usize,
    now: Timestamp,
) -> Result<(), Problem> {
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    record_request(store, limit, &key, more, now, None).await.check()
}

/// Records more uses. If they cannot be recorded in time, the request is allowed: a short gap in a limit does less harm
/// than an API that does not respond.
async fn record_request(
    store: &impl RateLimits,
    limit: RateLimit,
    key: &RateLimitKey,
    more: u32,
    now: Timestamp,
    caller: Option<Identity>,
) -> Verdict {
    let revoked = |usage: Usage| {
        let from = usage.tokens_valid_from?;
        caller.is_some_and(|caller| caller.issued_at < from).then_some(from)
    };
    match tokio::time::timeout(PATIENCE, store.record(&limit, key, more, now)).await {
        Ok(Ok(Some(usage))) => revoked(usage)
            .map_or_else(|| Verdict::Recorded(limit.after(usage.count, now)), Verdict::Revoked),
        Ok(Ok(None)) => Verdict::Blocked,
        Ok(Err(error)) => {
            tracing::warn!(limit = limit.name, %error, "recording a request failed");
            Verdict::Unrecorded
        }
        Err(_) => {
            tracing::warn!(limit = limit.name, "recording a request timed out");
            Verdict::Unrecorded
        }
    }
}

/// Allows every request. For functions that use no other service, where a rejection would cost more than the response.
pub struct NoGuard;

impl RequestGuard for NoGuard {
    fn identify(&self, _: &Call<'_>) -> Result<Option<Identity>, Problem> {
        Ok(None)
    }

    fn refuses(&self, _: &Call<'_>, _: Option<Identity>) -> Option<Verdict> {
        None
    }

    async fn record(&self, _: &Call<'_>, _: Option<Identity>) -> Verdict {
        Verdict::Unrecorded
    }
}

/// The callers that a guard accepts.
pub enum Callers {
    /// Users with an access token, each with a limit of their own. A request without a valid token is rejected without
    /// any work, so it is not recorded.
    Users(Box<Verifier>),
    /// Everyone. The limit is per source IP address.
    Public,
}

/// Authenticates callers and enforces their rate limit.
pub struct RateLimitGuard<'a, S> {
    store: &'a S,
    callers: &'a Callers,
    limit: RateLimit,
    /// When each rejected caller's limit is reset. Until then its requests are not recorded, so a flood does not create
    /// a hot key.
    refused: Mutex<BTreeMap<RateLimitKey, Timestamp>>,
    /// For each user seen with a revoked token: when the user's valid tokens begin. Further revoked tokens need no
    /// call.
    revoked: Mutex<BTreeMap<UserId, Timestamp>>,
}

impl<'a, S: RateLimits> RateLimitGuard<'a, S> {
    /// A guard that enforces `limit` for each caller.
    pub fn new(store: &'a S, callers: &'a Callers, limit: RateLimit) -> Self {
        Self { store, callers, limit, refused: Mutex::default(), revoked: Mutex::default() }
    }

    /// The rate limit key of the caller. `None` if the request is not recorded.
    fn key(&self, call: &Call<'_>, caller: Option<Identity>) -> Option<RateLimitKey> {
        match (self.callers, caller) {
            (Callers::Users(_), None) => None,
            (_, Some(caller)) => Some(RateLimitKey::user(caller.user)),
            (Callers::Public, None) => Some(RateLimitKey::ip_address(call.source_ip())),
        }
    }

    fn is_refused(&self, key: &RateLimitKey, now: Timestamp) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(key).is_some_and(|until| now < *until)
    }

    fn revoked_from(&self, caller: Identity) -> Option<Timestamp> {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.get(&caller.user).copied().filter(|from| caller.issued_at < *from)
    }

    fn remember_revoked(&self, user: UserId, from: Timestamp, now: Timestamp) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= MAX_REMEMBERED {
            // Tokens issued before that time have expired.
            revoked.retain(|_, from| now < *from + LIFETIME);
        }
        if revoked.len() < MAX_REMEMBERED {
            revoked.insert(user, from);
        }
    }

    fn refuse(&self, key: RateLimitKey, until: Timestamp, now: Timestamp) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MAX_REMEMBERED {
            refused.retain(|_, until| now < *until);
        }
        if refused.len() < MAX_REMEMBERED {
            refused.insert(key, until);
        }
    }
}

impl<S: RateLimits> RequestGuard for RateLimitGuard<'_, S> {
    /// The bearer token of the request (RFC 6750 §2.1).
    fn identify(&self, call: &Call<'_>) -> Result<Option<Identity>, Problem> {
        let Callers::Users(verifier) = self.callers else { return Ok(None) };
        let bearer = || {
            let (scheme, token) = call.header("authorization").ok()??.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        };
        let caller = bearer().and_then(|token| verifier.verify(token, call.now()));
        caller.map(Some).ok_or_else(Problem::unauthorized)
    }

    fn records_first(&self) -> bool {
        matches!(self.callers, Callers::Public)
    }

    fn refuses(&self, call: &Call<'_>, caller: Option<Identity>) -> Option<Verdict> {
        let (key, now) = (self.key(call, caller)?, call.now());
        if let Some(from) = caller.and_then(|caller| self.revoked_from(caller)) {
            return Some(Verdict::Revoked(from));
        }
        self.is_refused(&key, now).then(|| Verdict::Recorded(self.limit.after(u32::MAX, now)))
    }

    async fn record(&self, call: &Call<'_>, caller: Option<Identity>) -> Verdict {
        let Some(key) = self.key(call, caller) else { return Verdict::Unrecorded };
        let now = call.now();
        let verdict = record_request(self.store, self.limit, &key, 1, now, caller).await;
        if let Verdict::Recorded(allowance) = verdict
            && allowance.exceeded
        {
            self.refuse(key.clone(), now + allowance.reset, now);
        }
        // A request with a revoked token must not use up the user's limit.
        if let (Verdict::Revoked(from), Some(caller)) = (verdict, caller) {
            self.remember_revoked(caller.user, from, now);
            if let Err(error) = self.store.take_back(&self.limit, &key, now).await {
                tracing::warn!(%error, "undoing a recorded request failed");
            }
        }
        verdict
    }
}

/// Runs a handler under a guard. The caller is identified first: without a valid access token, a handler that needs one does
/// not run. The rate limit is checked while the handler runs, or before it if the guard requires that.
pub(super) async fn run_guarded<H>(
    call: &Call<'_>,
    guard: &impl RequestGuard,
    handler: H,
) -> Result<Reply, Problem>
where
    H: AsyncFnOnce(&Call<'_>) -> Result<Reply, Problem>,
{
    let caller = guard.identify(call)?;
    call.set_caller(caller);
    if let Some(verdict) = guard.refuses(call, caller) {
        call.set_verdict(verdict);
        verdict.check()?;
    }
    let counting = async { call.set_verdict(guard.record(call, caller).await) };
    if guard.records_first() {
        counting.await;
        call.verdict().check()?;
        return handler(call).await;
    }
    let ((), result) = futures_util::join!(counting, handler(call));
    call.verdict().check()?;
    result
}
