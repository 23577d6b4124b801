//! Timers, found by time in the index of timers.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::Timestamp;
use taskbell_domain::{
    ports::{PortError, TimerPage, Timers},
    task::LastWrite,
    timer::{Timer, TimerTarget},
};

use super::{
    DynamoDb, Item, key_attributes,
    keys::{self, DUE_TIMERS},
    text,
};
use crate::{
    error::{corrupt, port_error, start_outside_list},
    send_boxed::SendBoxed,
};

/// The timer in an item of the index, if it is valid.
fn timer_of(item: &Item) -> Option<Timer> {
    keys::parse_timer(item.get(DUE_TIMERS.sort)?.as_s().ok()?)
}

impl Timers for DynamoDb {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        const OPERATION: &str = "finding timers";
        if after.is_some_and(|timer| timer.at > until || keys::shard_of(timer.target) != shard) {
            return Err(start_outside_list(OPERATION));
        }
        let partition = keys::timer_shard(shard);
        let mut start = after.map(|timer| {
            let mut start = key_attributes(keys::timer_target(timer.target));
            start.extend(HashMap::from([
                (DUE_TIMERS.partition.to_owned(), text(&partition)),
                (DUE_TIMERS.sort.to_owned(), text(keys::timer(&timer))),
            ]));
            start
        });
        let mut timers = Vec::new();
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.tasks)
                .index_name(DUE_TIMERS.name)
                .key_condition_expression("#shard = :shard AND #timer <= :until")
                .expression_attribute_names("#shard", DUE_TIMERS.partition)
                .expression_attribute_names("#timer", DUE_TIMERS.sort)
                .expression_attribute_values(":shard", text(&partition))
                .expression_attribute_values(":until", text(keys::timers_until(until)))
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(OPERATION))?;
            // An invalid timer must not prevent the others of its shard from firing.
            let valid = |item| {
                timer_of(item)
                    .ok_or_else(|| corrupt(OPERATION, "timer"))
                    .inspect_err(|error| tracing::error!(%error, "a timer was ignored: it is invalid"))
                    .ok()
            };
            timers.extend(answer.items().iter().filter_map(valid));
            let last = answer.last_evaluated_key;
            let next = last.as_ref().and_then(timer_of);
            // A page cannot end with an invalid timer: read the next answer.
            if next.is_some() || last.is_none() {
                return Ok(TimerPage { timers, next });
            }
            start = last;
        }
    }

    async fn postpone(&self, timer: Timer, to: Timestamp) -> Result<(), PortError> {
        const OPERATION: &str = "postponing a timer";
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::timer_target(timer.target))))
            .update_expression("SET #timer = :to");
        if let TimerTarget::Task(_) = timer.target {
            update = update
                .update_expression("SET #timer = :to, #last_write = :delivery")
                .expression_attribute_names("#last_write", keys::LAST_WRITE)
                .expression_attribute_values(":delivery", text(LastWrite::Delivery.as_str()));
        }
        let result = update
            .condition_expression("#timer = :seen")
            .expression_attribute_names("#timer", DUE_TIMERS.sort)
            .expression_attribute_values(":to", text(keys::timer(&Timer { at: to, ..timer })))
            .expression_attribute_values(":seen", text(keys::timer(&timer)))
            .send_boxed()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }
}
