//! Credentials.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{credential::Credential, id::UserId};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct CredentialItem {
    user: UserId,
    password_hash: String,
    /// Only of reservations. Also the time to live: DynamoDB deletes expired ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl CredentialItem {
    /// The item of an address that nobody else can register until then. `hash` matches no password.
    pub(in crate::dynamodb) fn reservation(user: UserId, hash: &str, until: Timestamp) -> Self {
        Self { user, password_hash: hash.to_owned(), expires_at: Some(until.as_second()) }
    }
}

impl From<&Credential> for CredentialItem {
    fn from(credential: &Credential) -> Self {
        let password_hash = credential.password_hash.clone();
        Self { user: credential.user, password_hash, expires_at: None }
    }
}

impl TryFrom<CredentialItem> for Credential {
    type Error = InvalidAttribute;

    fn try_from(item: CredentialItem) -> Result<Self, InvalidAttribute> {
        Ok(Self { user: item.user, password_hash: item.password_hash })
    }
}
