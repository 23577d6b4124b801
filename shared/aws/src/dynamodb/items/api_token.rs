//! API tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    api_token::{ApiScope, ApiToken},
    id::{ApiTokenId, NotificationId, SpaceId, UserId},
    text::ApiTokenName,
};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct ApiTokenItem {
    id: ApiTokenId,
    user: UserId,
    name: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    space: Option<SpaceId>,
    secret_hash: String,
    created_at: i64,
    /// Also the time to live: DynamoDB deletes expired tokens.
    expires_at: i64,
    #[serde(rename = "expiry_notice", skip_serializing_if = "Option::is_none")]
    expiry_notification: Option<NotificationId>,
}

impl From<&ApiToken> for ApiTokenItem {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id,
            user: token.user,
            name: token.name.as_str().to_owned(),
            scopes: token.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            space: token.space,
            secret_hash: token.secret_hash.clone(),
            created_at: token.created_at.as_second(),
            expires_at: token.expires_at.as_second(),
            expiry_notification: token.expiry_notification,
        }
    }
}

impl TryFrom<ApiTokenItem> for ApiToken {
    type Error = InvalidAttribute;

    fn try_from(item: ApiTokenItem) -> Result<Self, InvalidAttribute> {
        let scopes = item.scopes.iter().map(|scope| ApiScope::parse(scope));
        Ok(Self {
            id: item.id,
            user: item.user,
            name: ApiTokenName::parse(&item.name)?,
            scopes: scopes.collect::<Result<_, _>>()?,
            space: item.space,
            secret_hash: item.secret_hash,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
            expiry_notification: item.expiry_notification,
        })
    }
}
