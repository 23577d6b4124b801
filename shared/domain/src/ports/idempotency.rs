//! What requests with idempotency keys have done.

use std::future::Future;

use jiff::Timestamp;

use crate::id::UserId;

use super::PortError;

/// Proof of what a request has done, kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose request it was.
    pub user: UserId,
    /// Hash of the key that the client chose.
    pub key_hash: String,
    /// Hash of the request's body.
    pub body_hash: String,
    /// The id of what was created, or changed.
    pub resource_id: String,
    /// The status that was answered.
    pub status: u16,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the record counts no more.
    pub expires_at: Timestamp,
}

/// What came of creating something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    Stored,
    /// The key was used before; this is the record of it. Nothing was stored.
    Replayed(IdempotencyRecord),
}

/// Finds what requests with idempotency keys have done.
pub trait IdempotencyRecords: Send + Sync {
    /// The records of a user that are there for some keys, and have not expired at `now`; in any order.
    fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<IdempotencyRecord>, PortError>> + Send;
}
