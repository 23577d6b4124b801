//! The authenticated caller of a request.

use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    api_token::ApiToken,
    id::{ApiTokenId, SpaceId, UserId},
    user::AccountState,
};

use super::Problem;
use crate::tokens::Identity;

/// The caller of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    means: Means,
}

/// How a caller was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// By an access token.
    Session(Identity),
    /// By an API token.
    ApiToken { id: ApiTokenId, space: Option<SpaceId>, created_at: Timestamp },
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { user: identity.user, means: Means::Session(identity) }
    }
}

impl From<&ApiToken> for Caller {
    fn from(token: &ApiToken) -> Self {
        let ApiToken { id, space, created_at, .. } = *token;
        Self { user: token.user, means: Means::ApiToken { id, space, created_at } }
    }
}

impl Caller {
    /// The access token. The guard has refused API tokens at endpoints that need a session.
    ///
    /// # Errors
    /// 403 `session_required`.
    pub fn session(&self) -> Result<Identity, Problem> {
        match self.means {
            Means::Session(identity) => Ok(identity),
            Means::ApiToken { .. } => Err(session_required()),
        }
    }

    /// The API token, if the caller uses one.
    pub fn api_token(&self) -> Option<ApiTokenId> {
        match self.means {
            Means::Session(_) => None,
            Means::ApiToken { id, .. } => Some(id),
        }
    }

    /// The only space that the caller has access to, if their API token is confined to one.
    pub fn confined_to(&self) -> Option<SpaceId> {
        match self.means {
            Means::Session(_) => None,
            Means::ApiToken { space, .. } => space,
        }
    }

    /// Whether the caller's API token, if they use one, gives access to a space. The caller's role is checked separately.
    pub fn may_enter(&self, space: SpaceId) -> bool {
        self.confined_to().is_none_or(|only| only == space)
    }

    /// The space of a request that names none: the personal one, unless the caller is confined to another.
    pub fn default_space(&self) -> SpaceId {
        self.confined_to().unwrap_or(SpaceId::personal(self.user))
    }

    /// Refuses callers that are confined to a space, at endpoints that are about none or about a new one.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn refuse_confined(&self) -> Result<(), Problem> {
        match self.confined_to() {
            None => Ok(()),
            Some(_) => {
                let detail = "The API token is confined to one space.";
                Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
            }
        }
    }

    /// Whether what the caller was authenticated by was revoked for all of the user.
    pub(super) fn is_revoked(&self, state: AccountState) -> bool {
        match self.means {
            Means::Session(identity) => {
                state.tokens_valid_from.is_some_and(|from| identity.issued_at < from)
            }
            Means::ApiToken { created_at, .. } => {
                state.api_tokens_valid_from.is_some_and(|from| created_at < from)
            }
        }
    }
}

/// 403: the endpoint does not accept API tokens.
pub(super) fn session_required() -> Problem {
    let detail = "API tokens cannot be used here: log in.";
    Problem::new(StatusCode::FORBIDDEN, "session_required", detail)
}
