//! API tokens.

use std::future::Future;

use jiff::civil::Date;

use super::PortError;
use crate::{
    api_token::{ApiToken, ApiTokenList},
    id::{ApiTokenId, UserId},
    notification::Notification,
};

/// Reads API tokens, to authenticate programs.
pub trait ApiTokens: Send + Sync {
    /// A token of a user, or `None`. Strongly consistent.
    fn api_token(
        &self,
        user: UserId,
        id: ApiTokenId,
    ) -> impl Future<Output = Result<Option<ApiToken>, PortError>> + Send;

    /// Records the day (UTC) on which a token was last used.
    fn record_api_token_use(
        &self,
        token: &ApiToken,
        day: Date,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Creates and deletes API tokens.
pub trait ApiTokenChanges: Send + Sync {
    /// The tokens of a user. Strongly consistent.
    fn api_tokens(&self, user: UserId) -> impl Future<Output = Result<ApiTokenList, PortError>> + Send;

    /// Stores a new token and the notifications about it in one transaction, if the list of the user's tokens still has the
    /// version `expected`. Returns whether it was stored.
    fn add_api_token(
        &self,
        token: &ApiToken,
        expected: u64,
        notifications: &[Notification],
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Deletes a token together with the day of its last use and the notification of its expiry. A missing token is not an error.
    fn delete_api_token(&self, token: &ApiToken) -> impl Future<Output = Result<(), PortError>> + Send;
}
