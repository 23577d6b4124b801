//! Authentication of programs by API tokens.
//!
//! The first request with a token that a function instance receives reads the token before the handler runs, so that a
//! stranger causes one read and no more, and only so many per minute. After that the instance knows the token, and reads it
//! together with what the handler reads: a token that was deleted is refused at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderValue, StatusCode, header};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use taskbell_domain::{
    api_token::{ApiScope, ApiToken, ApiTokenSecret},
    id::ApiTokenId,
    ports::{ApiTokens, PortError},
    rate_limit::{FAILED_API_TOKENS, RateLimitKey},
};

use super::{
    Call, Caller, Problem,
    caller::session_required,
    guard::{Verdict, too_many},
    tally::Tallies,
};
use crate::endpoint::Programs;

/// The maximum number of known tokens per function instance.
const MAX_KNOWN: usize = 256;

/// A token that was verified, and the day for which its use was recorded.
struct Known {
    token: ApiToken,
    day: Option<Date>,
}

/// The tokens that a function instance knows, by their text. It is looked up as a whole with a randomly keyed hash, so the
/// time of a lookup reveals nothing about them.
pub(super) struct KnownTokens {
    known: Mutex<HashMap<String, Known>>,
    /// The failures of this instance only: counting one in the store would cost five times the read that it saves.
    failures: Tallies,
}

impl Default for KnownTokens {
    fn default() -> Self {
        Self { known: Mutex::default(), failures: Tallies::new(FAILED_API_TOKENS) }
    }
}

impl KnownTokens {
    /// The caller whose token this is.
    ///
    /// # Errors
    /// 401 `unauthorized`; 403 `session_required` or `insufficient_scope`; 429 if the token is not known and others from the
    /// same IP address have failed; 503 if the token cannot be read.
    pub(super) async fn identify(
        &self,
        store: &impl ApiTokens,
        programs: Programs,
        call: &Call<'_>,
        text: &str,
    ) -> Result<Caller, Problem> {
        let now = call.now();
        let secret = ApiTokenSecret::parse(text).ok_or_else(Problem::unauthorized)?;
        // Before the token is read: such functions have no permission to.
        let Programs::WithScope(scope) = programs else { return Err(session_required()) };
        let known = self.lock().get(text).map(|known| known.token.clone());
        let token = match known {
            Some(token) => token,
            None => {
                let key = RateLimitKey::ip_address(call.source_ip());
                if self.failures.known_count(&key, now) >= FAILED_API_TOKENS.max {
                    return Err(too_many(FAILED_API_TOKENS.after(u32::MAX, now)));
                }
                let found = store.api_token(secret.user, secret.id).await?;
                let Some(token) = found.filter(|token| token.accepts(&secret, now)) else {
                    self.failures.count_here(&key, now);
                    return Err(Problem::unauthorized());
                };
                self.remember(text, &token, now);
                token
            }
        };
        if now >= token.expires_at {
            return Err(Problem::unauthorized());
        }
        match token.scopes.contains(&scope) {
            true => Ok(Caller::from(&token)),
            false => Err(insufficient_scope(scope)),
        }
    }

    /// Whether a token still exists, read together with what else is read at the same time.
    pub(super) async fn is_valid(
        &self,
        store: &impl ApiTokens,
        caller: Caller,
        id: ApiTokenId,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let Some(token) = store.api_token(caller.user, id).await? else {
            self.lock().retain(|_, known| known.token.id != id);
            return Ok(false);
        };
        Ok(now < token.expires_at)
    }

    /// Records the day on which a token was used, once per day, if the request with it was accepted. Failures are logged only.
    pub(super) async fn record_use(
        &self,
        store: &impl ApiTokens,
        caller: Caller,
        verdict: Verdict,
        now: Timestamp,
    ) {
        let day = now.to_zoned(TimeZone::UTC).date();
        let (Some(id), Ok(())) = (caller.api_token(), verdict.check()) else { return };
        let Some(token) = self.first_used_on(id, day) else { return };
        if let Err(error) = store.record_api_token_use(&token, day).await {
            tracing::warn!(%error, "the use of an API token was not recorded");
        }
    }

    /// A known token, if it is used for the first time on that day.
    fn first_used_on(&self, id: ApiTokenId, day: Date) -> Option<ApiToken> {
        let mut known = self.lock();
        let known = known.values_mut().find(|known| known.token.id == id)?;
        (known.day.replace(day) != Some(day)).then(|| known.token.clone())
    }

    fn remember(&self, text: &str, token: &ApiToken, now: Timestamp) {
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN {
            known.retain(|_, other| now < other.token.expires_at);
        }
        if known.len() >= MAX_KNOWN {
            // Any of them: it is read before the next request with it.
            let evicted = known.keys().next().cloned();
            evicted.map(|evicted| known.remove(&evicted));
        }
        known.insert(text.to_owned(), Known { token: token.clone(), day: None });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 403: the token lacks the scope of the endpoint (RFC 6750 §3.1).
fn insufficient_scope(scope: ApiScope) -> Problem {
    let scope = scope.as_str();
    let detail = format!("The API token needs the scope {scope}.");
    let challenge =
        format!("Bearer realm=\"taskbell\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", detail);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => problem.with_value(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}
