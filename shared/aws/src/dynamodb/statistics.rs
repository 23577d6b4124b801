//! The numbers of spaces. What a task has been counted as stands in an item of its own, which is written in one
//! transaction with the numbers: so each change counts once.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::delete_item::DeleteItemError,
    types::{TransactWriteItem, Update},
};
use taskbell_domain::{
    id::SpaceId,
    ports::{CounterGroupPage, PortError, StatisticsReads, StatisticsUpdates},
    statistics::{
        Contribution, Counter, CounterGroup, CounterGroups, Counters, Counts, difference, number,
    },
};

use super::{
    DynamoDb,
    items::{ContributionItem, FromItem as _, format, item, numbers},
    key, keys,
    write::{Transacted, When, delete, put},
};
use crate::{
    error::{corrupt, elsewhere, outside, port_error, unbuildable},
    send_boxed::SendBoxed,
};

const COUNTING: &str = "counting a task";
const READING: &str = "reading numbers";

/// The most actions of a transaction.
const MAX_ACTIONS: usize = 100;

/// How often counting is tried when another one counts the same task.
const TRIES: usize = 5;

impl StatisticsUpdates for DynamoDb {
    async fn record_contribution(&self, counted: &Contribution) -> Result<(), PortError> {
        for _ in 0..TRIES {
            let found = self.get(COUNTING, &self.tasks, keys::contribution(counted.task)).await?;
            let found = found.map(ContributionItem::from_item).transpose();
            let found = found.map_err(|e| corrupt(COUNTING, e))?;
            let before = found.as_ref().map(ContributionItem::counts).transpose();
            let before = before.map_err(|_| corrupt(COUNTING, "counts"))?.unwrap_or_default();
            if found.as_ref().is_some_and(|found| found.version >= counted.version) {
                return Ok(());
            }
            let change = difference(&before, &counted.counts);
            if change.is_empty() {
                return Ok(());
            }
            let whole = change.len() < MAX_ACTIONS;
            // More tags have changed than one transaction holds: what was counted is taken back first.
            let none = Counts::new();
            let (version, counts) = match whole {
                true => (counted.version, &counted.counts),
                false => (found.as_ref().map_or(0, |found| found.version), &none),
            };
            let change = if whole { change } else { difference(&before, counts) };
            let when = found.as_ref().map_or(When::Absent, |found| When::Version(found.version));
            let unknown = found.as_ref().map(|found| found.unknown.clone()).unwrap_or_default();
            let stored = ContributionItem::new(version, counts, unknown);
            if self.write_counts(counted, &stored, &change, when).await? {
                self.clear(counted.space, &change).await;
                if whole {
                    return Ok(());
                }
            }
        }
        Err(elsewhere(COUNTING))
    }
}

impl DynamoDb {
    /// Changes numbers, together with what the task has been counted as. Returns whether that was still as read.
    async fn write_counts(
        &self,
        counted: &Contribution,
        stored: &ContributionItem,
        change: &Counts,
        when: When<'_>,
    ) -> Result<bool, PortError> {
        let of = keys::contribution(counted.task);
        let mut actions = vec![match counted.counts.is_empty() {
            true => delete(COUNTING, &self.tasks, of, when)?,
            false => put(COUNTING, &self.tasks, item(COUNTING, of, stored)?, when)?,
        }];
        for (group, numbers) in change {
            actions.push(self.add(counted.space, group, numbers)?);
        }
        Ok(matches!(self.transact(COUNTING, actions).await?, Transacted::Done))
    }

    fn add(
        &self,
        space: SpaceId,
        group: &CounterGroup,
        numbers: &Counters,
    ) -> Result<TransactWriteItem, PortError> {
        let mut names = HashMap::from([("#format".to_owned(), keys::FORMAT.to_owned())]);
        let mut values = HashMap::from([(":format".to_owned(), format())]);
        let mut each = Vec::new();
        for (index, (number, many)) in numbers.iter().enumerate() {
            names.insert(format!("#n{index}"), keys::counter(*number));
            values.insert(format!(":n{index}"), super::number(many));
            each.push(format!("#n{index} :n{index}"));
        }
        let update = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key(keys::counter_group(space, group))))
            .update_expression(format!("SET #format = :format ADD {}", each.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|e| unbuildable(COUNTING, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Deletes counter_groups that have just come to nothing. One that stays is passed over by who reads it.
    async fn clear(&self, space: SpaceId, change: &Counts) {
        let fewer = change.iter().filter(|(_, numbers)| number(numbers, Counter::All) < 0);
        for (group, _) in fewer {
            let cleared = self
                .client
                .delete_item()
                .table_name(&self.tasks)
                .set_key(Some(key(keys::counter_group(space, group))))
                .condition_expression("#all = :none")
                .expression_attribute_names("#all", keys::counter(Counter::All))
                .expression_attribute_values(":none", super::number(0))
                .send_boxed()
                .await;
            match cleared.as_ref().map_err(|error| error.as_service_error()) {
                Ok(_) | Err(Some(DeleteItemError::ConditionalCheckFailedException(_))) => {}
                Err(_) => tracing::warn!("a group that has come to nothing was not deleted"),
            }
        }
    }
}

impl StatisticsReads for DynamoDb {
    async fn counter_groups(
        &self,
        space: SpaceId,
        of: CounterGroups,
        after: Option<CounterGroup>,
        limit: Option<u8>,
    ) -> Result<CounterGroupPage, PortError> {
        if after.as_ref().is_some_and(|group| !of.contains(group)) {
            return Err(outside(READING));
        }
        let (first, last) = keys::counter_group_bounds(of);
        let (partition, _) = keys::counter_group(space, &CounterGroup::Tasks);
        let answer = self
            .client
            .query()
            .table_name(&self.tasks)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", super::text(partition))
            .expression_attribute_values(":first", super::text(first))
            .expression_attribute_values(":last", super::text(last))
            .set_exclusive_start_key(after.map(|group| key(keys::counter_group(space, &group))))
            .set_limit(limit.map(i32::from))
            .send_boxed()
            .await
            .map_err(port_error(READING))?;
        let group_of =
            |sort: &str| keys::parse_counter_group(sort).ok_or_else(|| corrupt(READING, "group"));
        let sort_of =
            |item: &super::Item| item.get(keys::SK).and_then(|sort| sort.as_s().ok()).cloned();
        let next = answer.last_evaluated_key.as_ref().and_then(sort_of);
        let mut items = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let group = group_of(&sort_of(&item).unwrap_or_default())?;
            items.push((group, numbers(&item)));
        }
        items.retain(|(_, numbers)| number(numbers, Counter::All) > 0);
        Ok(CounterGroupPage { items, next: next.map(|sort| group_of(&sort)).transpose()? })
    }
}
