//! Authentication of programs by API tokens.
//!
//! The first request with a token that a function receives reads the token before the handler runs, so that a stranger
//! causes one read and no more. After that the function knows the token, and reads it together with what the handler reads:
//! a token that was deleted is refused at once.

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
};

use super::{Caller, Problem, caller::session_required};
use crate::endpoint::Programs;

/// The maximum number of known tokens per function instance.
const MAX_KNOWN: usize = 256;

/// A token that was verified, and the day for which its use was recorded.
struct Known {
    token: ApiToken,
    day: Option<Date>,
}

/// The tokens that a function knows, by their text. It is looked up as a whole with a randomly keyed hash, so the time of a
/// lookup reveals nothing about them.
#[derive(Default)]
pub(super) struct KnownTokens(Mutex<HashMap<String, Known>>);

impl KnownTokens {
    /// The caller whose token this is.
    ///
    /// # Errors
    /// 401 `unauthorized`; 403 `session_required` or `insufficient_scope`; 503 if the token cannot be read.
    pub(super) async fn identify(
        &self,
        store: &impl ApiTokens,
        programs: Programs,
        text: &str,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        let secret = ApiTokenSecret::parse(text).ok_or_else(Problem::unauthorized)?;
        // Before the token is read: such functions have no permission to.
        let Programs::WithScope(scope) = programs else { return Err(session_required()) };
        let known = self.lock().get(text).map(|known| known.token.clone());
        let token = match known {
            Some(token) => token,
            None => {
                let found = store.api_token(secret.user, secret.id).await?;
                let token = found.filter(|token| token.accepts(&secret, now));
                let token = token.ok_or_else(Problem::unauthorized)?;
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

    /// Whether a token still exists, read together with what else is read at the same time. Records the day of its use.
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
        let day = now.to_zoned(TimeZone::UTC).date();
        if self.is_first_use(id, day)
            && let Err(error) = store.record_api_token_use(&token, day).await
        {
            tracing::warn!(%error, "the use of an API token was not recorded");
        }
        Ok(now < token.expires_at)
    }

    /// Whether the function sees the token for the first time on that day.
    fn is_first_use(&self, id: ApiTokenId, day: Date) -> bool {
        let mut known = self.lock();
        let Some(known) = known.values_mut().find(|known| known.token.id == id) else { return true };
        known.day.replace(day) != Some(day)
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
