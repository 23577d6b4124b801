//! Statistics of spaces: counters. The contribution of each task to the counters is an item, which is written in one
//! transaction with them, so that every change of a task is counted exactly once.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::delete_item::DeleteItemError,
    types::{TransactWriteItem, Update},
};
use taskbell_domain::{
    id::SpaceId,
    ports::{CounterGroupPage, PortError, Quotas, StatisticsReads, StatisticsUpdates},
    statistics::{
        Contribution, Counter, CounterGroup, CounterGroups, Counters, GroupCounters, counter_value,
        difference,
    },
};

use super::{
    DynamoDb, Item,
    items::{ContributionItem, FromItem as _, build_item, counters, format_attribute},
    key_attributes, keys, text,
    write::{Condition, TransactionResult, delete, put},
};
use crate::{
    error::{corrupt, in_progress, invalid_request, port_error, start_outside_list},
    send_boxed::SendBoxed,
};

const UPDATING: &str = "updating statistics";
const READING: &str = "reading statistics";

/// The limit of actions per transaction.
///
/// Source: "TransactWriteItems", Amazon DynamoDB API reference.
const MAX_ACTIONS: usize = 100;

/// How often an update is tried while others update the contribution of the same task.
const MAX_ATTEMPTS: usize = 5;

impl StatisticsUpdates for DynamoDb {
    async fn record_contribution(&self, contribution: &Contribution) -> Result<(), PortError> {
        for _ in 0..MAX_ATTEMPTS {
            let stored =
                self.get_item(UPDATING, &self.tasks, keys::contribution(contribution.task)).await?;
            let stored = stored.map(ContributionItem::from_item).transpose();
            let stored = stored.map_err(|e| corrupt(UPDATING, e))?;
            let before = stored.as_ref().map(ContributionItem::counts).transpose();
            let before = before.map_err(|_| corrupt(UPDATING, "counts"))?.unwrap_or_default();
            if stored.as_ref().is_some_and(|stored| stored.version >= contribution.version) {
                return Ok(());
            }
            let change = difference(&before, &contribution.counts);
            if change.is_empty() {
                return Ok(());
            }
            let is_complete = change.len() < MAX_ACTIONS;
            // If the change exceeds one transaction, the old contribution is removed first.
            let none = GroupCounters::new();
            let (version, counts) = match is_complete {
                true => (contribution.version, &contribution.counts),
                false => (stored.as_ref().map_or(0, |stored| stored.version), &none),
            };
            let change = if is_complete { change } else { difference(&before, counts) };
            let condition = stored
                .as_ref()
                .map_or(Condition::NotExists, |stored| Condition::Version(stored.version));
            let unknown = stored.map(|stored| stored.unknown).unwrap_or_default();
            let next = ContributionItem::new(version, counts, unknown);
            if self.write_contribution(contribution, &next, &change, condition).await? {
                self.delete_empty_groups(contribution.space, &change).await;
                if is_complete {
                    return Ok(());
                }
            }
        }
        Err(in_progress(UPDATING))
    }
}

impl DynamoDb {
    /// Stores the contribution of a task and changes the counters. Returns `false` if the condition on the stored
    /// contribution failed.
    async fn write_contribution(
        &self,
        contribution: &Contribution,
        item: &ContributionItem,
        change: &GroupCounters,
        condition: Condition<'_>,
    ) -> Result<bool, PortError> {
        let key = keys::contribution(contribution.task);
        let mut actions = vec![match contribution.counts.is_empty() {
            true => delete(UPDATING, &self.tasks, key, condition)?,
            false => put(UPDATING, &self.tasks, build_item(UPDATING, key, item)?, condition)?,
        }];
        for (group, counters) in change {
            actions.push(self.add_to_group(contribution.space, group, counters)?);
        }
        Ok(matches!(self.transact(UPDATING, actions).await?, TransactionResult::Committed))
    }

    fn add_to_group(
        &self,
        space: SpaceId,
        group: &CounterGroup,
        counters: &Counters,
    ) -> Result<TransactWriteItem, PortError> {
        let mut names = HashMap::from([("#format".to_owned(), keys::FORMAT.to_owned())]);
        let mut values = HashMap::from([(":format".to_owned(), format_attribute())]);
        let mut additions = Vec::new();
        for (index, (counter, value)) in counters.iter().enumerate() {
            names.insert(format!("#n{index}"), keys::counter(*counter));
            values.insert(format!(":n{index}"), super::number(value));
            additions.push(format!("#n{index} :n{index}"));
        }
        let update = Update::builder()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(keys::counter_group(space, group))))
            .update_expression(format!("SET #format = :format ADD {}", additions.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|e| invalid_request(UPDATING, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Deletes the groups that the change has made empty. Failures are logged only, since readers ignore empty groups.
    async fn delete_empty_groups(&self, space: SpaceId, change: &GroupCounters) {
        let reduced = change.iter().filter(|(_, counters)| counter_value(counters, Counter::All) < 0);
        for (group, _) in reduced {
            let deleted = self
                .client
                .delete_item()
                .table_name(&self.tasks)
                .set_key(Some(key_attributes(keys::counter_group(space, group))))
                .condition_expression("#all = :zero")
                .expression_attribute_names("#all", keys::counter(Counter::All))
                .expression_attribute_values(":zero", super::number(0))
                .send_boxed()
                .await;
            match deleted.as_ref().map_err(|error| error.as_service_error()) {
                Ok(_) | Err(Some(DeleteItemError::ConditionalCheckFailedException(_))) => {}
                Err(_) => tracing::warn!("an empty counter group was not deleted"),
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
            return Err(start_outside_list(READING));
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
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .set_exclusive_start_key(
                after.map(|group| key_attributes(keys::counter_group(space, &group))),
            )
            .set_limit(limit.map(i32::from))
            .send_boxed()
            .await
            .map_err(port_error(READING))?;
        let group_of =
            |sort: &str| keys::parse_counter_group(sort).ok_or_else(|| corrupt(READING, "group"));
        let sort_of = |item: &Item| item.get(keys::SK).and_then(|sort| sort.as_s().ok()).cloned();
        let next = answer.last_evaluated_key.as_ref().and_then(sort_of);
        let mut items = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let group = group_of(&sort_of(&item).unwrap_or_default())?;
            items.push((group, counters(&item)));
        }
        items.retain(|(_, counters)| counter_value(counters, Counter::All) > 0);
        Ok(CounterGroupPage { items, next: next.map(|sort| group_of(&sort)).transpose()? })
    }
}

impl Quotas for DynamoDb {
    async fn counters(&self, space: SpaceId) -> Result<Counters, PortError> {
        let group = keys::counter_group(space, &CounterGroup::Tasks);
        let found = self.get_item("reading the counters of a space", &self.tasks, group).await?;
        Ok(found.as_ref().map(counters).unwrap_or_default())
    }
}
