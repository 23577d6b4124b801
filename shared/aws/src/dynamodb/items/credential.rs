//! Credentials.

use serde::{Deserialize, Serialize};
use taskbell_domain::{credential::Credential, id::UserId};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct CredentialItem {
    user: UserId,
    password_hash: String,
}

impl From<&Credential> for CredentialItem {
    fn from(credential: &Credential) -> Self {
        Self { user: credential.user, password_hash: credential.password_hash.clone() }
    }
}

impl TryFrom<CredentialItem> for Credential {
    type Error = InvalidAttribute;

    fn try_from(item: CredentialItem) -> Result<Self, InvalidAttribute> {
        Ok(Self { user: item.user, password_hash: item.password_hash })
    }
}
