//! Sessions.

use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    credential::Session,
    id::{SessionId, UserId},
};

use crate::dynamodb::{Item, keys};

#[derive(Serialize)]
pub(in crate::dynamodb) struct SessionItem {
    id: SessionId,
    user: UserId,
    family_hash: String,
    token_hash: String,
    expires_at: i64,
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            family_hash: session.family_hash.clone(),
            token_hash: session.token_hash.clone(),
            expires_at: session.expires_at.as_second(),
        }
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
