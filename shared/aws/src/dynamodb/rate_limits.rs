//! Counts of what somebody does. One item a subject and limit, which is counted up in its window and begun anew
//! in the next: one call, and a second one at the first count of a window.

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

use super::{DynamoDb, Item, items::format, key, keys, number};
use crate::{
    error::{corrupt, port_error, unbuildable},
    send_boxed::SendBoxed,
};

const OPERATION: &str = "counting";

/// Stands in the count of a user who is blocked, under the name that it has had since the first release.
const BLOCKED: &str = "shut_out";

/// Stands in the count of a user of whom older access tokens are not valid.
const TOKENS_VALID_FROM: &str = "tokens_valid_from";

/// What came of an update.
enum Updated {
    /// The item is this now.
    Done(Item),
    /// Its condition failed, and the item is this.
    Refused(Item),
}

impl RateLimits for DynamoDb {
    async fn record(
        &self,
        limit: &RateLimit,
        subject: &RateLimitKey,
        more: u32,
        now: Timestamp,
    ) -> Result<Option<Usage>, PortError> {
        let window = limit.window_of(now);
        // Kept a while longer, for clocks that are behind.
        let expires_at = window + limit.window + SignedDuration::from_hours(1);
        let mut latest = Item::new();
        // Most requests are not the first in their window. Where one is, another may begin the window in this moment.
        for begins in [false, true, false] {
            let update = self
                .client
                .update_item()
                .table_name(&self.accounts)
                .set_key(Some(key(keys::rate_limit(limit, subject))))
                .expression_attribute_names("#window", "window")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#blocked", BLOCKED)
                .expression_attribute_values(":window", number(window.as_second()))
                .expression_attribute_values(":more", number(more))
                .return_values(AllNew)
                .return_values_on_condition_check_failure(AllOld);
            let update = match begins {
                false => update
                    .update_expression("SET #count = #count + :more")
                    .condition_expression("#window = :window AND attribute_not_exists(#blocked)"),
                true => update
                    .update_expression(
                        "SET #window = :window, #count = :more, #expires_at = :expires_at, #format = :format",
                    )
                    .condition_expression(
                        "attribute_not_exists(#blocked) \
                         AND (attribute_not_exists(#window) OR #window < :window)",
                    )
                    .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
                    .expression_attribute_names("#format", keys::FORMAT)
                    .expression_attribute_values(":format", format())
                    .expression_attribute_values(":expires_at", number(expires_at.as_second())),
            };
            match updated(update).await? {
                Updated::Done(item) => return usage(&item).map(Some),
                Updated::Refused(item) if item.contains_key(BLOCKED) => return Ok(None),
                Updated::Refused(item) => latest = item,
            }
        }
        // This clock is behind: a later window has begun.
        usage(&latest).map(Some)
    }

    async fn take_back(
        &self,
        limit: &RateLimit,
        subject: &RateLimitKey,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key(keys::rate_limit(limit, subject))))
            .update_expression("SET #count = #count - :one")
            .condition_expression("#window = :window AND #count > :none")
            .expression_attribute_names("#window", "window")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":window", number(limit.window_of(now).as_second()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":none", number(0));
        // In another window there is nothing to take back.
        updated(update).await.map(drop)
    }
}

impl AccessChanges for DynamoDb {
    async fn store_access(&self, user: &User, limit: &RateLimit) -> Result<(), PortError> {
        const OPERATION: &str = "storing what a user may do";
        let update = self.access_update(OPERATION, user, limit)?;
        self.transact(OPERATION, vec![update]).await.map(drop)
    }
}

impl DynamoDb {
    /// Lets the count of a user's requests say what the profile says.
    pub(super) fn access_update(
        &self,
        operation: &'static str,
        user: &User,
        limit: &RateLimit,
    ) -> Result<TransactWriteItem, PortError> {
        let (mut sets, mut removes) =
            ("SET #format = :format, #access = :access".to_owned(), " REMOVE #expires_at".to_owned());
        let mut update = Update::builder()
            .table_name(&self.accounts)
            .set_key(Some(key(keys::rate_limit(limit, &RateLimitKey::user(user.id)))))
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":format", format())
            // What a later version of the profile says stays.
            .condition_expression("attribute_not_exists(#access) OR #access <= :access")
            .expression_attribute_names("#access", "access_version")
            .expression_attribute_values(":access", number(user.version))
            // DynamoDB must not delete it before the next request is counted.
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_names("#blocked", BLOCKED);
        if user.disabled_at.is_some() {
            sets.push_str(", #blocked = :true");
            update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        } else {
            removes.push_str(", #blocked");
        }
        if let Some(from) = user.tokens_valid_from {
            sets.push_str(", #valid_from = :valid_from");
            update = update
                .expression_attribute_names("#valid_from", TOKENS_VALID_FROM)
                .expression_attribute_values(":valid_from", number(from.as_second()));
        }
        let update = update.update_expression(sets + &removes).build();
        let update = update.map_err(|e| unbuildable(operation, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

async fn updated(update: UpdateItemFluentBuilder) -> Result<Updated, PortError> {
    match update.send_boxed().await {
        Ok(answer) => Ok(Updated::Done(answer.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Updated::Refused(refused.item().cloned().unwrap_or_default()))
            }
            _ => Err(port_error(OPERATION)(error)),
        },
    }
}

fn usage(item: &Item) -> Result<Usage, PortError> {
    let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
    let count = number("count").and_then(|count| count.parse().ok());
    let valid_from = number(TOKENS_VALID_FROM).map(|seconds| {
        let at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        at.ok_or_else(|| corrupt(OPERATION, TOKENS_VALID_FROM))
    });
    let count = count.ok_or_else(|| corrupt(OPERATION, "count"))?;
    Ok(Usage { count, tokens_valid_from: valid_from.transpose()? })
}
