//! Digests.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use taskbell_domain::{digest::Digest, id::UserId, unknown::Unknown};

use super::{InvalidAttribute, delivery::TimerKeys, unknown};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct DigestItem {
    user: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "made_for")]
    last_run_date: Option<Date>,
    #[serde(flatten)]
    timer: TimerKeys,
    version: u64,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Digest> for DigestItem {
    fn from(digest: &Digest) -> Self {
        Self {
            user: digest.user,
            at: digest.at,
            last_run_date: digest.last_run_date,
            timer: TimerKeys::of(digest.timer()),
            version: digest.version,
            unknown: digest.unknown.clone(),
        }
    }
}

impl TryFrom<DigestItem> for Digest {
    type Error = InvalidAttribute;

    fn try_from(item: DigestItem) -> Result<Self, InvalidAttribute> {
        let DigestItem { user, at, last_run_date, version, unknown, .. } = item;
        Ok(Self { user, at, last_run_date, version, unknown })
    }
}
