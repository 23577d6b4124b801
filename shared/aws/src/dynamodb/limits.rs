//! Counts of what somebody does. One item a subject and limit, which is counted up in its window and begun anew
//! in the next: one call, and a second one at the first count of a window.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue::UpdatedNew, ReturnValuesOnConditionCheckFailure::AllOld},
};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    limit::{Limit, Subject},
    ports::{Limits, PortError},
};

use super::{DynamoDb, Item, items::format, key, keys, number};
use crate::{
    error::{corrupt, port_error},
    sent::Sent,
};

const OPERATION: &str = "counting";

/// Stands in the count of a subject that is shut out.
const SHUT_OUT: &str = "shut_out";

/// What came of an update.
enum Updated {
    /// The item is this now.
    Done(Item),
    /// Its condition failed, and the item is this.
    Refused(Item),
}

impl Limits for DynamoDb {
    async fn count(
        &self,
        limit: &Limit,
        subject: &Subject,
        more: u32,
        now: Timestamp,
    ) -> Result<Option<u32>, PortError> {
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
                .set_key(Some(key(keys::limit(limit, subject))))
                .expression_attribute_names("#window", "window")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#shut_out", SHUT_OUT)
                .expression_attribute_values(":window", number(window.as_second()))
                .expression_attribute_values(":more", number(more))
                .return_values(UpdatedNew)
                .return_values_on_condition_check_failure(AllOld);
            let update = match begins {
                false => update
                    .update_expression("SET #count = #count + :more")
                    .condition_expression("#window = :window AND attribute_not_exists(#shut_out)"),
                true => update
                    .update_expression(
                        "SET #window = :window, #count = :more, #expires_at = :expires_at, #format = :format",
                    )
                    .condition_expression(
                        "attribute_not_exists(#shut_out) \
                         AND (attribute_not_exists(#window) OR #window < :window)",
                    )
                    .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
                    .expression_attribute_names("#format", keys::FORMAT)
                    .expression_attribute_values(":format", format())
                    .expression_attribute_values(":expires_at", number(expires_at.as_second())),
            };
            match updated(update).await? {
                Updated::Done(item) => return count(&item).map(Some),
                Updated::Refused(item) if item.contains_key(SHUT_OUT) => return Ok(None),
                Updated::Refused(item) => latest = item,
            }
        }
        // This clock is behind: a later window has begun.
        count(&latest).map(Some)
    }
}

impl DynamoDb {
    /// Shuts a subject out of a limit, or lets it in again.
    pub(super) async fn set_shut_out(
        &self,
        limit: &Limit,
        subject: &Subject,
        out: bool,
    ) -> Result<(), PortError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key(keys::limit(limit, subject))))
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":format", format())
            .expression_attribute_names("#shut_out", SHUT_OUT);
        let update = match out {
            // Without an end: DynamoDB must not delete it.
            true => update
                .update_expression("SET #format = :format, #shut_out = :true REMOVE #expires_at")
                .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
                .expression_attribute_values(":true", AttributeValue::Bool(true)),
            false => update.update_expression("SET #format = :format REMOVE #shut_out"),
        };
        update.sent().await.map(drop).map_err(port_error("shutting a user out"))
    }
}

async fn updated(update: UpdateItemFluentBuilder) -> Result<Updated, PortError> {
    match update.sent().await {
        Ok(answer) => Ok(Updated::Done(answer.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Updated::Refused(refused.item().cloned().unwrap_or_default()))
            }
            _ => Err(port_error(OPERATION)(error)),
        },
    }
}

fn count(item: &Item) -> Result<u32, PortError> {
    let count = item.get("count").and_then(|value| value.as_n().ok());
    count.and_then(|count| count.parse().ok()).ok_or_else(|| corrupt(OPERATION, "count"))
}
