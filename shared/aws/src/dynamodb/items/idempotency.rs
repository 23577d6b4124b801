//! Idempotency records.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{id::UserId, ports::IdempotencyRecord};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct IdempotencyItem {
    user: UserId,
    key_hash: String,
    body_hash: String,
    #[serde(rename = "made", alias = "task")]
    resource_id: String,
    status: u16,
    created_at: i64,
    expires_at: i64,
}

impl From<&IdempotencyRecord> for IdempotencyItem {
    fn from(record: &IdempotencyRecord) -> Self {
        Self {
            user: record.user,
            key_hash: record.key_hash.clone(),
            body_hash: record.body_hash.clone(),
            resource_id: record.resource_id.clone(),
            status: record.status,
            created_at: record.created_at.as_second(),
            expires_at: record.expires_at.as_second(),
        }
    }
}

impl TryFrom<IdempotencyItem> for IdempotencyRecord {
    type Error = InvalidAttribute;

    fn try_from(item: IdempotencyItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            user: item.user,
            key_hash: item.key_hash,
            body_hash: item.body_hash,
            resource_id: item.resource_id,
            status: item.status,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
        })
    }
}
