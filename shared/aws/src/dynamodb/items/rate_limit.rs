//! Rate limits: one item per key and limit.

use jiff::Timestamp;
use taskbell_domain::{ports::PortError, rate_limit::Usage};

use crate::{dynamodb::Item, error::corrupt};

/// Present in the item of a user who is blocked. The name is that of the first release.
pub(in crate::dynamodb) const BLOCKED: &str = "shut_out";

/// The attribute with the time before which a user's access tokens are not valid, in seconds since 1970.
pub(in crate::dynamodb) const TOKENS_VALID_FROM: &str = "tokens_valid_from";

/// The usage in the item of a rate limit.
pub(in crate::dynamodb) fn usage(operation: &'static str, item: &Item) -> Result<Usage, PortError> {
    let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
    let count = number("count").and_then(|count| count.parse().ok());
    let valid_from = number(TOKENS_VALID_FROM).map(|seconds| {
        let at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        at.ok_or_else(|| corrupt(operation, TOKENS_VALID_FROM))
    });
    let count = count.ok_or_else(|| corrupt(operation, "count"))?;
    Ok(Usage { count, tokens_valid_from: valid_from.transpose()? })
}
