//! Rate limits: one item per key and limit. Recording is one call, and a second one for the first request of a window.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{
        AttributeValue, ReturnValue::AllNew, ReturnValuesOnConditionCheckFailure::AllOld,
        TransactWriteItem, Update,
    },
};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    ports::{AccessChanges, PortError, RateLimits},
    rate_limit::{RateLimit, RateLimitKey, Usage},
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{BLOCKED, TOKENS_VALID_FROM, format_attribute, usage},
    key_attributes, keys, number,
};
use crate::{
    error::{invalid_request, port_error},
    send_boxed::SendBoxed,
};

const OPERATION: &str = "recording requests against a rate limit";

/// How long the item is kept after the end of its window, for functions whose clock is slow.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// The result of an update, with the item as it is now.
enum UpdateResult {
    Updated(Item),
    ConditionFailed(Item),
}

impl RateLimits for DynamoDb {
    async fn record(
        &self,
        limit: &RateLimit,
        key: &RateLimitKey,
        requests: u32,
        now: Timestamp,
    ) -> Result<Option<Usage>, PortError> {
        let window = limit.window_of(now);
        let expires_at = window + limit.window + RETENTION;
        let mut latest = Item::new();
        // Most requests are not the first in their window. If one is, another request may start the window in between.
        for starts_window in [false, true, false] {
            let update = self
                .client
                .update_item()
                .table_name(&self.accounts)
                .set_key(Some(key_attributes(keys::rate_limit(limit, key))))
                .expression_attribute_names("#window", "window")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#blocked", BLOCKED)
                .expression_attribute_values(":window", number(window.as_second()))
                .expression_attribute_values(":requests", number(requests))
                .return_values(AllNew)
                .return_values_on_condition_check_failure(AllOld);
            let update = match starts_window {
                false => update
                    .update_expression("SET #count = #count + :requests")
                    .condition_expression("#window = :window AND attribute_not_exists(#blocked)"),
                true => update
                    .update_expression(
                        "SET #window = :window, #count = :requests, #expires_at = :expires_at, \
                         #format = :format",
                    )
                    .condition_expression(
                        "attribute_not_exists(#blocked) \
                         AND (attribute_not_exists(#window) OR #window < :window)",
                    )
                    .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
                    .expression_attribute_names("#format", keys::FORMAT)
                    .expression_attribute_values(":format", format_attribute())
                    .expression_attribute_values(":expires_at", number(expires_at.as_second())),
            };
            match send_update(update).await? {
                UpdateResult::Updated(item) => return usage(OPERATION, &item).map(Some),
                UpdateResult::ConditionFailed(item) if item.contains_key(BLOCKED) => return Ok(None),
                UpdateResult::ConditionFailed(item) => latest = item,
            }
        }
        // A later window has started: the clock of this function is slow.
        usage(OPERATION, &latest).map(Some)
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
            .set_key(Some(key_attributes(keys::rate_limit(limit, key))))
            .update_expression("SET #count = #count - :one")
            .condition_expression("#window = :window AND #count > :zero")
            .expression_attribute_names("#window", "window")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":window", number(limit.window_of(now).as_second()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":zero", number(0));
        // In a later window there is nothing to take back.
        send_update(update).await.map(drop)
    }
}

impl AccessChanges for DynamoDb {
    async fn store_access(&self, user: &User, limit: &RateLimit) -> Result<(), PortError> {
        const OPERATION: &str = "storing the access of a user";
        let update = self.update_access(OPERATION, user, limit)?;
        self.transact(OPERATION, vec![update]).await.map(drop)
    }
}

impl DynamoDb {
    /// Copies what the profile says about the user's access into the item of a rate limit: whether they are blocked, and
    /// the time before which their access tokens are not valid.
    pub(super) fn update_access(
        &self,
        operation: &'static str,
        user: &User,
        limit: &RateLimit,
    ) -> Result<TransactWriteItem, PortError> {
        let (mut set, mut remove) =
            ("SET #format = :format, #access = :access".to_owned(), " REMOVE #expires_at".to_owned());
        let mut update = Update::builder()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::rate_limit(limit, &RateLimitKey::user(user.id)))))
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":format", format_attribute())
            // A later version of the profile takes precedence.
            .condition_expression("attribute_not_exists(#access) OR #access <= :access")
            .expression_attribute_names("#access", "access_version")
            .expression_attribute_values(":access", number(user.version))
            // DynamoDB must not delete the item before the next request is recorded.
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_names("#blocked", BLOCKED);
        if user.disabled_at.is_some() {
            set.push_str(", #blocked = :true");
            update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        } else {
            remove.push_str(", #blocked");
        }
        if let Some(from) = user.tokens_valid_from {
            set.push_str(", #valid_from = :valid_from");
            update = update
                .expression_attribute_names("#valid_from", TOKENS_VALID_FROM)
                .expression_attribute_values(":valid_from", number(from.as_second()));
        }
        let update = update.update_expression(set + &remove).build();
        let update = update.map_err(|e| invalid_request(operation, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

async fn send_update(update: UpdateItemFluentBuilder) -> Result<UpdateResult, PortError> {
    match update.send_boxed().await {
        Ok(answer) => Ok(UpdateResult::Updated(answer.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(UpdateResult::ConditionFailed(failed.item().cloned().unwrap_or_default()))
            }
            _ => Err(port_error(OPERATION)(error)),
        },
    }
}
