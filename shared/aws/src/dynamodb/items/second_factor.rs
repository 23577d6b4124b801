//! Second factors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    id::{NotificationId, UserId},
    second_factor::{RemovalRequest, SecondFactor},
    totp::TotpSecret,
    unknown::Unknown,
};

use super::{InvalidAttribute, unknown};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct SecondFactorItem {
    user: UserId,
    secret: String,
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    last_step: u64,
    recovery_hashes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removal: Option<RemovalItem>,
    version: u64,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct RemovalItem {
    requested_at: Timestamp,
    notification: NotificationId,
}

impl From<&SecondFactor> for SecondFactorItem {
    fn from(factor: &SecondFactor) -> Self {
        Self {
            user: factor.user,
            secret: factor.secret.to_base32(),
            started_at: factor.started_at,
            confirmed_at: factor.confirmed_at,
            last_step: factor.last_step,
            recovery_hashes: factor.recovery_hashes.clone(),
            removal: factor.removal.map(|removal| RemovalItem {
                requested_at: removal.requested_at,
                notification: removal.notification,
            }),
            version: factor.version,
            unknown: factor.unknown.clone(),
        }
    }
}

impl TryFrom<SecondFactorItem> for SecondFactor {
    type Error = InvalidAttribute;

    fn try_from(item: SecondFactorItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            user: item.user,
            secret: TotpSecret::parse(&item.secret).ok_or("secret")?,
            started_at: item.started_at,
            confirmed_at: item.confirmed_at,
            last_step: item.last_step,
            recovery_hashes: item.recovery_hashes,
            removal: item.removal.map(|removal| RemovalRequest {
                requested_at: removal.requested_at,
                notification: removal.notification,
            }),
            version: item.version,
            unknown: item.unknown,
        })
    }
}
