//! Keys of the items of accounts.

use taskbell_domain::id::{ApiTokenId, SessionId, UserId};

/// Key of a profile.
pub fn profile(user: UserId) -> (String, String) {
    (format!("USER#{}", user.body()), "PROFILE".to_owned())
}

/// The user of the partition of a profile.
pub fn user_of(partition: &str) -> Option<UserId> {
    partition.strip_prefix("USER#").and_then(|body| UserId::from_body(body).ok())
}

/// Partition of the sessions of a user, and the prefix of their sort keys.
pub fn sessions_of(user: UserId) -> (String, &'static str) {
    (format!("SESSION#{}", user.body()), "SESSION#")
}

/// Key of a suppressed address.
pub fn suppressed_address(address_hash: &str) -> (String, String) {
    (format!("ADDRESS#{address_hash}"), "STOPPED".to_owned())
}

/// Key of a session.
pub fn session(user: UserId, session: SessionId) -> (String, String) {
    (sessions_of(user).0, format!("SESSION#{}", session.body()))
}

/// Partition of the API tokens of a user, and the prefix of their sort keys.
pub fn api_tokens_of(user: UserId) -> (String, &'static str) {
    (format!("APITOKENS#{}", user.body()), "APITOKEN#")
}

/// Key of an API token.
pub fn api_token(user: UserId, token: ApiTokenId) -> (String, String) {
    (api_tokens_of(user).0, format!("APITOKEN#{}", token.body()))
}

/// Key of the number of API tokens that a user has ever created.
pub fn api_token_count(user: UserId) -> (String, String) {
    (api_tokens_of(user).0, "COUNT".to_owned())
}

/// Partition of the last uses of the API tokens of a user, and the prefix of their sort keys.
pub fn api_token_uses_of(user: UserId) -> (String, &'static str) {
    (format!("APITOKENUSE#{}", user.body()), "APITOKEN#")
}

/// Key of the day of the last use of an API token.
pub fn api_token_use(user: UserId, token: ApiTokenId) -> (String, String) {
    (api_token_uses_of(user).0, api_token(user, token).1)
}

/// Partition of the deletions that have not finished, and the prefix of their sort keys.
pub fn account_deletions() -> (String, &'static str) {
    ("DELETIONS".to_owned(), "USER#")
}

/// Key of a deletion that has not finished.
pub fn account_deletion(user: UserId) -> (String, String) {
    (account_deletions().0, format!("USER#{}", user.body()))
}

/// Key of a credential.
pub fn credential(canonical_email: &str) -> (String, String) {
    (format!("EMAIL#{canonical_email}"), "CREDENTIAL".to_owned())
}
