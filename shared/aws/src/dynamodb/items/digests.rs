//! Digests.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use taskbell_domain::{digest::Digest, id::UserId, unknown::Unknown};

use super::{Unreadable, delivery::TimerKeys, unknown};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct DigestItem {
    user: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_for: Option<Date>,
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
            made_for: digest.last_run_date,
            timer: TimerKeys::of(digest.timer()),
            version: digest.version,
            unknown: digest.unknown.clone(),
        }
    }
}

impl TryFrom<DigestItem> for Digest {
    type Error = Unreadable;

    fn try_from(item: DigestItem) -> Result<Self, Unreadable> {
        let DigestItem { user, at, made_for, version, unknown, .. } = item;
        Ok(Self { user, at, last_run_date: made_for, version, unknown })
    }
}
