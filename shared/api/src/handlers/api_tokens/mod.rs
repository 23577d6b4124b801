//! API tokens of the caller.

pub mod create_api_token;
pub mod delete_api_token;
pub mod list_api_tokens;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};
use taskbell_domain::{
    api_token::{ApiToken, ApiTokenList},
    user::User,
};

/// A token, as its owner sees it.
fn token_view(token: &ApiToken, last_used_on: Option<Date>) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes,
        "space": token.space,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_on": last_used_on,
    })
}

/// The valid tokens of a user.
fn valid(list: ApiTokenList, user: &User, now: Timestamp) -> Vec<(ApiToken, Option<Date>)> {
    let mut tokens = list.tokens;
    tokens.retain(|(token, _)| {
        let is_revoked = user.api_tokens_valid_from.is_some_and(|from| token.created_at < from);
        !is_revoked && now < token.expires_at
    });
    tokens
}
