//! Rate limits: one item per key, limit and window, so counting is one call, also for the first request of a window. DynamoDB
//! deletes the item some time after the end of the window.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValue::UpdatedNew};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    ports::{PortError, RateLimits},
    rate_limit::{RateLimit, RateLimitKey},
};

use super::{DynamoDb, items::format_attribute, key_attributes, keys, number};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

const OPERATION: &str = "recording requests against a rate limit";

/// How long the item is kept after the end of its window, for functions whose clock is slow.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

impl RateLimits for DynamoDb {
    async fn record(
        &self,
        limit: &RateLimit,
        key: &RateLimitKey,
        more: u32,
        now: Timestamp,
    ) -> Result<u32, PortError> {
        let window = limit.window_of(now);
        let expires_at = window + limit.window + RETENTION;
        let update = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::rate_limit(limit, key, window))))
            .update_expression("SET #expires_at = :expires_at, #format = :format ADD #count :more")
            .expression_attribute_names("#count", keys::COUNT)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":more", number(more))
            .expression_attribute_values(":expires_at", number(expires_at.as_second()))
            .expression_attribute_values(":format", format_attribute())
            .return_values(UpdatedNew);
        let updated = update.send_boxed().await.map_err(port_error(OPERATION))?;
        let count = updated.attributes().and_then(|item| item.get(keys::COUNT)?.as_n().ok());
        count.and_then(|count| count.parse().ok()).ok_or_else(|| corrupt(OPERATION, keys::COUNT))
    }

    async fn take_back(
        &self,
        limit: &RateLimit,
        key: &RateLimitKey,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::rate_limit(limit, key, limit.window_of(now)))))
            .update_expression("SET #count = #count - :one")
            .condition_expression("#count > :zero")
            .expression_attribute_names("#count", keys::COUNT)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":zero", number(0));
        match update.send_boxed().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // There is nothing to take back.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}
