//! Counts against rate limits.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::rate_limit::{RateLimit, RateLimitKey};

/// Counts against rate limits.
pub trait RateLimits: Send + Sync {
    /// Adds `more` to the count of `key`, and returns the count in the window of `now`.
    fn record(
        &self,
        limit: &RateLimit,
        key: &RateLimitKey,
        more: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<u32, PortError>> + Send;

    /// Subtracts one from the count of `key` in the window of `now`, for something that was counted but not done.
    fn take_back(
        &self,
        limit: &RateLimit,
        key: &RateLimitKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
