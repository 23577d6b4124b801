//! Sessions.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    credential::{PreviousToken, Session},
    id::{SessionId, UserId},
    session_label::SessionLabel,
};

use super::InvalidAttribute;
use crate::dynamodb::{Item, keys};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct SessionItem {
    id: SessionId,
    user: UserId,
    /// Empty if the session was stored by release 0.1.0.
    #[serde(default)]
    family_hash: String,
    token_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<i64>,
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_on: Option<Date>,
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            family_hash: session.family_hash.clone(),
            token_hash: session.token_hash.clone(),
            previous_hash: session.previous.as_ref().map(|previous| previous.hash.clone()),
            previous_until: session.previous.as_ref().map(|previous| previous.until.as_second()),
            expires_at: session.expires_at.as_second(),
            label: session.label.as_ref().map(|label| label.as_str().to_owned()),
            last_used_on: session.last_used_on,
        }
    }
}

impl TryFrom<SessionItem> for Session {
    type Error = InvalidAttribute;

    fn try_from(item: SessionItem) -> Result<Self, InvalidAttribute> {
        let until = item.previous_until.map(Timestamp::from_second).transpose();
        let until = until.map_err(|_| "previous_until")?;
        Ok(Self {
            id: item.id,
            user: item.user,
            family_hash: item.family_hash,
            token_hash: item.token_hash,
            previous: item.previous_hash.zip(until).map(|(hash, until)| PreviousToken { hash, until }),
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
            label: item.label.as_deref().and_then(SessionLabel::parse),
            last_used_on: item.last_used_on,
        })
    }
}

/// Whether the item of a session has not expired. DynamoDB deletes expired items only within a few days.
///
/// Source: "Using time to live (TTL) in DynamoDB", Amazon DynamoDB developer guide.
pub(in crate::dynamodb) fn is_active(session: &Item, now: Timestamp) -> bool {
    session
        .get(keys::EXPIRES_AT)
        .and_then(|value| value.as_n().ok())
        .and_then(|seconds| seconds.parse::<i64>().ok())
        .is_some_and(|seconds| seconds > now.as_second())
}
