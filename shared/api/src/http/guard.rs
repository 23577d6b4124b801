//! Authentication and rate limits. The request is checked while the handler runs: a read is rejected after its work, and a
//! change waits for the decision with [`Call::admit`]. Reads of users are counted in memory ([`super::tally`]), everything
//! else in the store. Whether the account is blocked, or the token revoked, is read together with what the handler reads.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::try_join;
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use taskbell_domain::{
    api_token::ApiTokenSecret,
    id::UserId,
    ports::{AccountStates, ApiTokens, PortError, RateLimits},
    rate_limit::{Allowance, RateLimit, RateLimitKey},
    user::AccountState,
};

use super::{
    Call, Caller, Problem, Reply,
    programs::KnownTokens,
    tally::{Counting, Tallies},
};
use crate::{
    endpoint::Programs,
    tokens::{LIFETIME, Verifier},
};

/// The maximum number of remembered users with revoked tokens, and of blocked users, per function instance.
const MAX_REMEMBERED: usize = 1_000;

/// The time limit for recording a request.
const PATIENCE: Duration = Duration::from_secs(1);

/// The checks that run before and alongside a handler.
#[allow(async_fn_in_trait)] // used only with concrete types
pub trait RequestGuard {
    /// The caller. `None` if the endpoint is public.
    ///
    /// # Errors
    /// 401 `unauthorized` if the endpoint needs a token and the request has no valid one; 403 if it is an API token that
    /// may not be used there.
    async fn identify(&self, call: &Call<'_>) -> Result<Option<Caller>, Problem>;

    /// Whether the request must be checked before the handler runs. This is the case for unauthenticated requests, whose
    /// handlers may not wait for the decision, and for users who were seen blocked.
    fn checks_first(&self, _: Option<Caller>) -> bool {
        true
    }

    /// A rejection without a call to the store, for a caller known to be over the limit or to have a revoked token.
    fn refuses(&self, call: &Call<'_>, caller: Option<Caller>) -> Option<Verdict>;

    /// Checks the account of the caller, and records the request against the rate limit.
    async fn check(&self, call: &Call<'_>, caller: Option<Caller>) -> Verdict;
}

/// The result of checking a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request was not recorded.
    Unrecorded,
    /// The request was recorded. It may exceed the limit.
    Recorded(Allowance),
    /// The caller is blocked.
    Blocked,
    /// The access token was revoked, or the account does not exist.
    Revoked,
    /// The account of the caller cannot be read.
    Unknown,
}

impl Verdict {
    /// Returns the error of a rejected request.
    ///
    /// # Errors
    /// 401 `unauthorized`, 403 `account_disabled`, 429 `too_many_requests`, 503 `unavailable`.
    pub(super) fn check(self) -> Result<(), Problem> {
        match self {
            Self::Recorded(allowance) if allowance.exceeded => Err(too_many(allowance)),
            Self::Blocked => Err(disabled()),
            Self::Revoked => Err(Problem::unauthorized()),
            Self::Unknown => Err(Problem::unavailable()),
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

/// Rejects a request of a blocked account or with a revoked token.
///
/// # Errors
/// 401 `unauthorized`, 403 `account_disabled`.
pub(crate) fn check_state(state: AccountState, caller: Caller) -> Result<(), Problem> {
    if state.is_blocked {
        return Err(disabled());
    }
    match caller.is_revoked(state) {
        true => Err(Problem::unauthorized()),
        false => Ok(()),
    }
}

pub(super) fn too_many(allowance: Allowance) -> Problem {
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
    match record(store, &limit, &key, more, now).await {
        Some(count) => Verdict::Recorded(limit.after(count, now)).check(),
        None => Ok(()),
    }
}

/// Records more uses, and returns their count. If they cannot be recorded in time, the request is allowed: a short gap in a
/// limit does less harm than an API that does not respond.
pub(super) async fn record(
    store: &impl RateLimits,
    limit: &RateLimit,
    key: &RateLimitKey,
    more: u32,
    now: Timestamp,
) -> Option<u32> {
    match tokio::time::timeout(PATIENCE, store.record(limit, key, more, now)).await {
        Ok(Ok(count)) => Some(count),
        Ok(Err(error)) => {
            tracing::warn!(limit = limit.name, %error, "recording a request failed");
            None
        }
        Err(_) => {
            tracing::warn!(limit = limit.name, "recording a request timed out");
            None
        }
    }
}

/// Allows every request. For functions that use no other service, where a rejection would cost more than the response.
pub struct NoGuard;

impl RequestGuard for NoGuard {
    async fn identify(&self, _: &Call<'_>) -> Result<Option<Caller>, Problem> {
        Ok(None)
    }

    fn refuses(&self, _: &Call<'_>, _: Option<Caller>) -> Option<Verdict> {
        None
    }

    async fn check(&self, _: &Call<'_>, _: Option<Caller>) -> Verdict {
        Verdict::Unrecorded
    }
}

/// The callers that a guard accepts.
pub enum Callers {
    /// Users with an access token, and programs with an API token if the endpoint accepts them. Each user and each API
    /// token has a limit of its own. A request without a valid token is rejected without any work, but for one read if it
    /// has an API token, so it is not recorded.
    Users(Arc<Verifier>, Programs),
    /// Everyone. The limit is per source IP address.
    Public,
}

/// What a guard reads and writes.
pub trait GuardStore: RateLimits + AccountStates + ApiTokens {}
impl<S: RateLimits + AccountStates + ApiTokens> GuardStore for S {}

/// Authenticates callers and enforces their rate limit.
pub struct RateLimitGuard<'a, S> {
    store: &'a S,
    callers: &'a Callers,
    limit: RateLimit,
    tallies: Tallies,
    /// For each user seen with a revoked token: when the user's valid tokens begin. Further revoked tokens need no
    /// call. For a user seen blocked: nothing. Whether they still are is read before the next request is recorded.
    rejected: Mutex<BTreeMap<UserId, Option<Timestamp>>>,
    known_tokens: KnownTokens,
}

impl<'a, S: GuardStore> RateLimitGuard<'a, S> {
    /// A guard that enforces `limit` for each caller.
    pub fn new(store: &'a S, callers: &'a Callers, limit: RateLimit) -> Self {
        let (tallies, rejected) = (Tallies::new(limit), Mutex::default());
        let known_tokens = KnownTokens::default();
        Self { store, callers, limit, tallies, rejected, known_tokens }
    }

    /// The rate limit key of the caller. `None` if the request is not recorded.
    fn key(&self, call: &Call<'_>, caller: Option<Caller>) -> Option<RateLimitKey> {
        match (self.callers, caller) {
            (Callers::Users(..), None) => None,
            (_, Some(caller)) => Some(match caller.api_token() {
                Some(token) => RateLimitKey::ApiToken(token),
                None => RateLimitKey::user(caller.user),
            }),
            (Callers::Public, None) => Some(RateLimitKey::ip_address(call.source_ip())),
        }
    }

    fn rejected(&self) -> MutexGuard<'_, BTreeMap<UserId, Option<Timestamp>>> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember_rejected(&self, user: UserId, tokens_from: Option<Timestamp>, now: Timestamp) {
        let mut rejected = self.rejected();
        if rejected.len() >= MAX_REMEMBERED {
            // Tokens issued before that time have expired.
            rejected.retain(|_, from| from.is_some_and(|from| now < from + LIFETIME));
        }
        if rejected.len() < MAX_REMEMBERED {
            rejected.insert(user, tokens_from);
        }
    }

    /// Whether the caller was seen blocked.
    fn is_suspect(&self, caller: Caller) -> bool {
        self.rejected().get(&caller.user).is_some_and(Option::is_none)
    }

    /// Whether the caller's account permits the request.
    async fn check_account(&self, caller: Caller, now: Timestamp) -> Result<(), Verdict> {
        let token = async {
            match caller.api_token() {
                Some(id) => self.known_tokens.is_valid(self.store, caller, id, now).await,
                None => Ok(true),
            }
        };
        let (state, is_valid) = match try_join!(self.store.account_state(caller.user), token) {
            Ok((Some(state), is_valid)) => (state, is_valid),
            Ok((None, _)) => return Err(Verdict::Revoked),
            Err(error) => return Err(unknown(&error)),
        };
        if state.is_blocked {
            self.remember_rejected(caller.user, None, now);
            return Err(Verdict::Blocked);
        }
        if !is_valid || caller.is_revoked(state) {
            if caller.api_token().is_none() {
                self.remember_rejected(caller.user, state.tokens_valid_from, now);
            }
            return Err(Verdict::Revoked);
        }
        self.rejected().retain(|user, tokens_from| *user != caller.user || tokens_from.is_some());
        Ok(())
    }

    /// Counts the request. Returns the verdict, and whether the store has counted it.
    async fn count(&self, call: &Call<'_>, key: &RateLimitKey, now: Timestamp) -> (Verdict, bool) {
        let is_read = matches!(call.method(), "GET" | "HEAD");
        let counting = match is_read && matches!(key, RateLimitKey::User(_) | RateLimitKey::ApiToken(_))
        {
            true => self.tallies.count_read(key, now),
            false => self.tallies.count_change(key, now),
        };
        let more = match counting {
            Counting::Here(count) => return (Verdict::Recorded(self.limit.after(count, now)), false),
            Counting::Add(more) => more,
        };
        match record(self.store, &self.limit, key, more, now).await {
            Some(count) => {
                let count = self.tallies.added(key, now, count);
                (Verdict::Recorded(self.limit.after(count, now)), true)
            }
            // Whether they were added is unknown: adding them again could refuse a user far below the limit.
            None => (Verdict::Unrecorded, false),
        }
    }

    /// Counts the request of a user while the account is checked. A rejected request must not use up the user's limit.
    async fn check_user(&self, call: &Call<'_>, key: RateLimitKey, caller: Caller) -> Verdict {
        let now = call.now();
        if self.is_suspect(caller) {
            // A flood of a blocked user writes nothing.
            return match self.check_account(caller, now).await {
                Ok(()) => self.count(call, &key, now).await.0,
                Err(verdict) => verdict,
            };
        }
        let checks = futures_util::join!(self.check_account(caller, now), self.count(call, &key, now));
        let (Err(verdict), (_, is_stored)) = checks else { return checks.1.0 };
        if is_stored {
            if let Err(error) = self.store.take_back(&self.limit, &key, now).await {
                tracing::warn!(%error, "undoing a recorded request failed");
            }
        } else {
            self.tallies.take_back(&key, now);
        }
        verdict
    }
}

fn unknown(error: &PortError) -> Verdict {
    tracing::error!(%error, "the account of a caller cannot be read");
    Verdict::Unknown
}

impl<S: GuardStore> RequestGuard for RateLimitGuard<'_, S> {
    async fn identify(&self, call: &Call<'_>) -> Result<Option<Caller>, Problem> {
        let Callers::Users(verifier, programs) = self.callers else { return Ok(None) };
        let (token, now) = (call.bearer().ok_or_else(Problem::unauthorized)?, call.now());
        if ApiTokenSecret::is_like(token) {
            return self.known_tokens.identify(self.store, *programs, call, token).await.map(Some);
        }
        let identity = verifier.verify(token, now).ok_or_else(Problem::unauthorized)?;
        Ok(Some(identity.into()))
    }

    fn checks_first(&self, caller: Option<Caller>) -> bool {
        caller.is_none_or(|caller| self.is_suspect(caller))
    }

    fn refuses(&self, call: &Call<'_>, caller: Option<Caller>) -> Option<Verdict> {
        let (key, now) = (self.key(call, caller)?, call.now());
        let revoked = |caller: Caller| {
            let from = self.rejected().get(&caller.user).copied().flatten();
            let Ok(identity) = caller.session() else { return false };
            from.is_some_and(|from| identity.issued_at < from)
        };
        if caller.is_some_and(revoked) {
            return Some(Verdict::Revoked);
        }
        let is_used_up = self.tallies.is_used_up(&key, now);
        is_used_up.then(|| Verdict::Recorded(self.limit.after(u32::MAX, now)))
    }

    async fn check(&self, call: &Call<'_>, caller: Option<Caller>) -> Verdict {
        let Some(key) = self.key(call, caller) else { return Verdict::Unrecorded };
        let Some(caller) = caller else { return self.count(call, &key, call.now()).await.0 };
        let verdict = self.check_user(call, key, caller).await;
        self.known_tokens.record_use(self.store, caller, verdict, call.now()).await;
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
    let caller = guard.identify(call).await?;
    call.set_caller(caller);
    if let Some(verdict) = guard.refuses(call, caller) {
        call.set_verdict(verdict);
        verdict.check()?;
    }
    let checking = async { call.set_verdict(guard.check(call, caller).await) };
    if guard.checks_first(caller) {
        checking.await;
        call.verdict().check()?;
        return handler(call).await;
    }
    let ((), result) = futures_util::join!(checking, handler(call));
    call.verdict().check()?;
    result
}
