//! Who is calling, and whether they may call so often. What is counted is counted while the request is being
//! worked on: a read learns at its end that it was one too many, a change waits for it with [`Call::admitted`].

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    id::UserId,
    ports::RateLimits,
    rate_limit::{Allowance, RateLimit, RateLimitKey, Usage},
};

use super::{Call, Problem, Reply};
use crate::tokens::{Identity, LIFETIME, Verifier};

/// How many subjects a function remembers that have used up their limit, and how many users with revoked tokens.
const MAX_REMEMBERED: usize = 1_000;

/// How long a request waits to be counted, should the table be slow.
const PATIENCE: Duration = Duration::from_secs(1);

/// What stands before a handler.
#[allow(async_fn_in_trait)] // only ever used with types that are known
pub trait RequestGuard {
    /// Who is calling, if they have proven it.
    fn identify(&self, call: &Call) -> Option<Identity>;

    /// Whether a request has to be counted before the handler is asked: nobody is known yet who could be held to
    /// account for the work, and no handler can keep the counting from its time.
    fn counts_first(&self) -> bool {
        true
    }

    /// Refuses at once whom it remembers to have used up their limit.
    fn refuses(&self, call: &Call, caller: Option<Identity>) -> Option<Verdict>;

    /// Counts the request.
    async fn record(&self, call: &Call, caller: Option<Identity>) -> Verdict;
}

/// What counting a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not counted.
    Unrecorded,
    /// It is counted, and perhaps too much.
    Recorded(Allowance),
    /// The caller is blocked.
    Blocked,
    /// The access token was issued before the moment from which those of its user are valid.
    Revoked(Timestamp),
}

impl Verdict {
    /// Refuses what is not to be done.
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

    /// What is told of the limit (draft-ietf-httpapi-ratelimit-headers-10).
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

/// 403: an operator has disabled the account.
pub(crate) fn disabled() -> Problem {
    let detail = "An operator has disabled this account.";
    Problem::new(StatusCode::FORBIDDEN, "account_disabled", detail)
}

fn too_many(allowance: Allowance) -> Problem {
    let seconds = allowance.reset.as_secs().max(1);
    let what = allowance.limit.name.replace('-', " ");
    let detail = format!("Too many {what}: try again in {seconds} s.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).retry_after(seconds)
}

/// Counts some more under a limit that is narrower than that of the function.
///
/// # Errors
/// 429 `too_many_requests`.
pub(crate) async fn enforce_limit(
    store: &impl RateLimits,
    limit: RateLimit,
    subject: RateLimitKey,
    more: usize,
    now: Timestamp,
) -> Result<(), Problem> {
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    record_request(store, limit, &subject, more, now, None).await.check()
}

/// Counts some more. Where nothing can be counted in time the request is let through: a limit that is not kept for
/// a moment does less harm than an API that answers nothing.
async fn record_request(
    store: &impl RateLimits,
    limit: RateLimit,
    subject: &RateLimitKey,
    more: u32,
    now: Timestamp,
    caller: Option<Identity>,
) -> Verdict {
    let revoked = |usage: Usage| {
        let from = usage.tokens_valid_from?;
        caller.is_some_and(|caller| caller.issued_at < from).then_some(from)
    };
    match tokio::time::timeout(PATIENCE, store.record(&limit, subject, more, now)).await {
        Ok(Ok(Some(usage))) => revoked(usage)
            .map_or_else(|| Verdict::Recorded(limit.after(usage.count, now)), Verdict::Revoked),
        Ok(Ok(None)) => Verdict::Blocked,
        Ok(Err(error)) => {
            tracing::warn!(limit = limit.name, %error, "a request was not counted");
            Verdict::Unrecorded
        }
        Err(_) => {
            tracing::warn!(limit = limit.name, "a request was not counted in time");
            Verdict::Unrecorded
        }
    }
}

/// Lets everybody through. For functions that touch nothing: refusing a request would cost more than answering.
pub struct NoGuard;

impl RequestGuard for NoGuard {
    fn identify(&self, _: &Call) -> Option<Identity> {
        None
    }

    fn refuses(&self, _: &Call, _: Option<Identity>) -> Option<Verdict> {
        None
    }

    async fn record(&self, _: &Call, _: Option<Identity>) -> Verdict {
        Verdict::Unrecorded
    }
}

/// Who may call.
pub enum Callers {
    /// Users, by their access tokens. Each is counted by itself; a request without a valid token is not counted,
    /// since it is answered without any work.
    Users(Box<Verifier>),
    /// Anybody, counted by the address that they call from.
    Public,
}

/// Knows callers and counts what they do.
pub struct RateLimitGuard<'a, S> {
    store: &'a S,
    clock: &'a dyn Clock,
    callers: &'a Callers,
    limit: RateLimit,
    /// Until when who is refused without being counted: a flood ends here, and makes no key hot.
    refused: Mutex<BTreeMap<RateLimitKey, Timestamp>>,
    /// From when access tokens of users are valid, as far as an older one has come: the next one costs no call.
    revoked: Mutex<BTreeMap<UserId, Timestamp>>,
}

impl<'a, S: RateLimits> RateLimitGuard<'a, S> {
    /// A guard that holds callers to a limit.
    pub fn new(store: &'a S, clock: &'a dyn Clock, callers: &'a Callers, limit: RateLimit) -> Self {
        Self { store, clock, callers, limit, refused: Mutex::default(), revoked: Mutex::default() }
    }

    /// Under whose name a request is counted; nothing if it is not.
    fn subject(&self, call: &Call, caller: Option<Identity>) -> Option<RateLimitKey> {
        match (self.callers, caller) {
            (Callers::Users(_), None) => None,
            (_, Some(caller)) => Some(RateLimitKey::user(caller.user)),
            (Callers::Public, None) => Some(RateLimitKey::ip_address(call.source_ip())),
        }
    }

    fn is_refused(&self, subject: &RateLimitKey, now: Timestamp) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(subject).is_some_and(|until| now < *until)
    }

    fn revoked_from(&self, caller: Identity) -> Option<Timestamp> {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.get(&caller.user).copied().filter(|from| caller.issued_at < *from)
    }

    fn remember_revoked(&self, user: UserId, from: Timestamp, now: Timestamp) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= MAX_REMEMBERED {
            // Tokens of before have expired.
            revoked.retain(|_, from| now < *from + LIFETIME);
        }
        if revoked.len() < MAX_REMEMBERED {
            revoked.insert(user, from);
        }
    }

    fn refuse(&self, subject: RateLimitKey, until: Timestamp, now: Timestamp) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MAX_REMEMBERED {
            refused.retain(|_, until| now < *until);
        }
        if refused.len() < MAX_REMEMBERED {
            refused.insert(subject, until);
        }
    }
}

impl<S: RateLimits> RequestGuard for RateLimitGuard<'_, S> {
    /// The bearer of the access token (RFC 6750 §2.1).
    fn identify(&self, call: &Call) -> Option<Identity> {
        let Callers::Users(verifier) = self.callers else { return None };
        let (scheme, token) = call.header("authorization").ok()??.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(())?;
        verifier.verify(token.trim(), self.clock.now())
    }

    fn counts_first(&self) -> bool {
        matches!(self.callers, Callers::Public)
    }

    fn refuses(&self, call: &Call, caller: Option<Identity>) -> Option<Verdict> {
        let (subject, now) = (self.subject(call, caller)?, self.clock.now());
        if let Some(from) = caller.and_then(|caller| self.revoked_from(caller)) {
            return Some(Verdict::Revoked(from));
        }
        self.is_refused(&subject, now).then(|| Verdict::Recorded(self.limit.after(u32::MAX, now)))
    }

    async fn record(&self, call: &Call, caller: Option<Identity>) -> Verdict {
        let Some(subject) = self.subject(call, caller) else { return Verdict::Unrecorded };
        let now = self.clock.now();
        let verdict = record_request(self.store, self.limit, &subject, 1, now, caller).await;
        if let Verdict::Recorded(allowance) = verdict
            && allowance.exceeded
        {
            self.refuse(subject.clone(), now + allowance.reset, now);
        }
        // Whoever has a token of before must not use up what the user may do.
        if let (Verdict::Revoked(from), Some(caller)) = (verdict, caller) {
            self.remember_revoked(caller.user, from, now);
            if let Err(error) = self.store.take_back(&self.limit, &subject, now).await {
                tracing::warn!(%error, "a refused request counts");
            }
        }
        verdict
    }
}

/// Runs a handler behind a gate: who is calling is known before, whether it is too much while it works; of callers
/// without an account that is known before, too.
pub(super) async fn run_guarded<H>(
    call: &Call,
    gate: &impl RequestGuard,
    handler: H,
) -> Result<Reply, Problem>
where
    H: AsyncFnOnce(&Call) -> Result<Reply, Problem>,
{
    let caller = gate.identify(call);
    call.identified(caller);
    if let Some(verdict) = gate.refuses(call, caller) {
        call.counted(verdict);
        verdict.check()?;
    }
    let counting = async { call.counted(gate.record(call, caller).await) };
    if gate.counts_first() {
        counting.await;
        call.verdict().check()?;
        return handler(call).await;
    }
    let ((), result) = futures_util::join!(counting, handler(call));
    call.verdict().check()?;
    result
}
