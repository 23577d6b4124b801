//! Results of requests with an idempotency key.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::id::UserId;

/// The result of a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The user who sent the request.
    pub user: UserId,
    /// Hash of the idempotency key.
    pub key_hash: String,
    /// Hash of the request body.
    pub body_hash: String,
    /// The id of the created or changed resource.
    pub resource_id: String,
    /// The HTTP status of the response.
    pub status: u16,
    /// When the record was created.
    pub created_at: Timestamp,
    /// From when on the record is ignored.
    pub expires_at: Timestamp,
}

/// The result of creating a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The resource was stored.
    Stored,
    /// Nothing was stored: the key was used before, with this result.
    Replayed(IdempotencyRecord),
}

/// Reads results of requests with an idempotency key.
pub trait IdempotencyRecords: Send + Sync {
    /// The records of a user for these keys that have not expired at `now`, in any order.
    fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<IdempotencyRecord>, PortError>> + Send;
}
