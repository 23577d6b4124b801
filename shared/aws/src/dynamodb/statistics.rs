//! Statistics of spaces: counters. The contribution of each task to the counters is an item, which is written in one
//! transaction with them, so that every change of a task is counted exactly once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::delete_item::DeleteItemError,
    types::{TransactWriteItem, Update},
};
use futures_util::future::{join_all, try_join_all};
use taskbell_domain::{
    id::{SpaceId, TaskId},
    ports::{CounterGroupPage, PortError, Quotas, StatisticsReads, StatisticsUpdates},
    statistics::{
        Contribution, Counter, CounterGroup, CounterGroups, Counters, GroupCounters, counter_value,
        difference,
    },
};

use super::{
    DynamoDb, Item, Key,
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

/// How many tasks are recorded in one transaction. Each is an action, and so is each group that they change.
const MAX_MERGED: usize = 50;

/// How often an update is tried while others update the contribution of the same task.
const MAX_ATTEMPTS: usize = 5;

impl StatisticsUpdates for DynamoDb {
    async fn record_contributions(&self, contributions: &[Contribution]) -> Result<(), PortError> {
        for some in contributions.chunks(MAX_MERGED) {
            self.record_merged(some).await?;
        }
        Ok(())
    }
}

/// The recorded contribution of a task: the item, and what it counts.
type Recorded = Option<(ContributionItem, GroupCounters)>;

/// A group of a space.
type Group = (SpaceId, CounterGroup);

/// What is added to the groups of several spaces.
type Changes = BTreeMap<Group, Counters>;

/// Adds counters to the groups of a space. Without what sums up to zero.
fn add(changes: &mut Changes, space: SpaceId, more: GroupCounters) {
    for (group, counters) in more {
        let sum = changes.entry((space, group)).or_default();
        for (counter, more) in counters {
            *sum.entry(counter).or_default() += more;
        }
        sum.retain(|_, more| *more != 0);
    }
}

impl DynamoDb {
    async fn recorded(&self, task: TaskId) -> Result<Recorded, PortError> {
        let stored = self.get_item(UPDATING, &self.tasks, keys::contribution(task)).await?;
        let stored = stored.map(ContributionItem::from_item).transpose();
        let Some(stored) = stored.map_err(|e| corrupt(UPDATING, e))? else { return Ok(None) };
        let counts = stored.counts().map_err(|_| corrupt(UPDATING, "counts"))?;
        Ok(Some((stored, counts)))
    }

    /// Records contributions in one transaction: what several tasks change of a group is one action.
    async fn record_merged(&self, some: &[Contribution]) -> Result<(), PortError> {
        let mut missing = BTreeSet::new();
        for _ in 0..MAX_ATTEMPTS {
            let recorded = try_join_all(some.iter().map(|each| self.recorded(each.task))).await?;
            let (mut actions, mut change) = (Vec::new(), Changes::new());
            for (contribution, recorded) in some.iter().zip(recorded) {
                let of_task = self.replace_contribution(contribution, recorded, &mut change)?;
                actions.extend(of_task);
            }
            change.retain(|_, counters| !counters.is_empty());
            if actions.is_empty() {
                return Ok(());
            }
            if actions.len() + change.len() > MAX_ACTIONS {
                if let [one] = some {
                    // It exceeds one transaction: the recorded contribution is removed first.
                    self.remove_counts(one, &mut missing).await?;
                    continue;
                }
                return self.record_each(some).await;
            }
            if self.store(actions, &change, &mut missing).await? {
                return Ok(());
            }
        }
        Err(in_progress(UPDATING))
    }

    /// Stores contributions together with what they change in the groups, but for those that are known to be missing.
    /// Returns whether they were stored. If not, the groups that were found missing are added.
    ///
    /// A group is missing only if it was deleted with its space: as long as a task counts in it, it exists otherwise. So
    /// nothing is subtracted from it, or its name would be stored again with counters below zero.
    async fn store(
        &self,
        mut actions: Vec<TransactWriteItem>,
        change: &Changes,
        missing: &mut BTreeSet<Group>,
    ) -> Result<bool, PortError> {
        let contributions = actions.len();
        let (groups, changed): (Vec<_>, Vec<_>) =
            change.iter().filter(|(group, _)| !missing.contains(group)).unzip();
        for (group, counters) in groups.iter().zip(changed) {
            actions.push(self.add_to_group(group, counters)?);
        }
        match self.transact(UPDATING, actions).await? {
            TransactionResult::Committed => {
                self.delete_empty_groups(change).await;
                Ok(true)
            }
            TransactionResult::ConditionFailed(failed) => {
                let groups = failed.iter().skip(contributions).zip(groups);
                let failed = groups.filter(|(failed, _)| failed.is_some());
                missing.extend(failed.map(|(_, group)| group.clone()));
                Ok(false)
            }
        }
    }

    async fn record_each(&self, all: &[Contribution]) -> Result<(), PortError> {
        for one in all {
            Box::pin(self.record_merged(std::slice::from_ref(one))).await?;
        }
        Ok(())
    }

    /// Removes what a task has contributed, unless another function records it now.
    async fn remove_counts(
        &self,
        of: &Contribution,
        missing: &mut BTreeSet<Group>,
    ) -> Result<(), PortError> {
        let Some((stored, counts)) = self.recorded(of.task).await? else { return Ok(()) };
        let (none, version) = (GroupCounters::new(), stored.version);
        let space = stored.space.unwrap_or(of.space_before);
        let (key, mut change) = (keys::contribution(of.task), Changes::new());
        add(&mut change, space, difference(&counts, &none));
        let emptied = ContributionItem::new(version, space, &none, stored.unknown);
        let item = build_item(UPDATING, key, &emptied)?;
        let actions = vec![put(UPDATING, &self.tasks, item, Condition::Version(version))?];
        self.store(actions, &change, missing).await.map(drop)
    }

    /// The action that replaces the recorded contribution of a task, and adds to `change` what that changes. `None` if the
    /// recorded one is as new, or counts the same in the same space.
    fn replace_contribution(
        &self,
        contribution: &Contribution,
        recorded: Recorded,
        change: &mut Changes,
    ) -> Result<Option<TransactWriteItem>, PortError> {
        let (stored, before) = recorded.unzip();
        let version = stored.as_ref().map(|stored| stored.version);
        let before = before.unwrap_or_default();
        let space_before =
            stored.as_ref().and_then(|stored| stored.space).unwrap_or(contribution.space_before);
        let has_moved = !before.is_empty() && space_before != contribution.space;
        let own = difference(&before, &contribution.counts);
        let is_same = !has_moved && own.is_empty();
        if version.is_some_and(|version| version >= contribution.version) || is_same {
            return Ok(None);
        }
        match has_moved {
            true => {
                add(change, space_before, difference(&before, &GroupCounters::new()));
                add(change, contribution.space, contribution.counts.clone());
            }
            false => add(change, contribution.space, own),
        }
        let key = keys::contribution(contribution.task);
        let condition = version.map_or(Condition::NotExists, Condition::Version);
        let unknown = stored.map(|stored| stored.unknown).unwrap_or_default();
        let Contribution { version, space, counts, .. } = contribution;
        let next = ContributionItem::new(*version, *space, counts, unknown);
        Ok(Some(match contribution.counts.is_empty() {
            true => delete(UPDATING, &self.tasks, key, condition)?,
            false => put(UPDATING, &self.tasks, build_item(UPDATING, key, &next)?, condition)?,
        }))
    }

    /// The action that changes a group. Only one that adds tasks may create it.
    fn add_to_group(
        &self,
        (space, group): &Group,
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
        let may_create = counter_value(counters, Counter::All) > 0;
        let exists = (!may_create).then(|| format!("attribute_exists({})", keys::PK));
        let update = Update::builder()
            .table_name(&self.tasks)
            .set_condition_expression(exists)
            .set_key(Some(key_attributes(keys::counter_group(*space, group))))
            .update_expression(format!("SET #format = :format ADD {}", additions.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|e| invalid_request(UPDATING, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Deletes the groups that the change has made empty. Failures are logged only, since readers ignore empty groups. A
    /// group is below zero if it was deleted with its space, and a task added it again.
    async fn delete_empty_groups(&self, change: &Changes) {
        let reduced = change.iter().filter(|(_, counters)| counter_value(counters, Counter::All) < 0);
        let emptied = reduced.map(async |((space, group), _)| {
            let key = keys::counter_group(*space, group);
            // A read costs a fifth of a deletion that finds the group in use.
            let found = self.get_item(UPDATING, &self.tasks, key.clone()).await?;
            match found.is_some_and(|item| counter_value(&counters(&item), Counter::All) <= 0) {
                true => self.delete_empty_group(key).await,
                false => Ok(()),
            }
        });
        if let Some(error) = join_all(emptied).await.into_iter().find_map(Result::err) {
            tracing::warn!(%error, "an empty counter group was not deleted");
        }
    }

    async fn delete_empty_group(&self, key: Key) -> Result<(), PortError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tasks)
            .set_key(Some(key_attributes(key)))
            .condition_expression("#all <= :zero")
            .expression_attribute_names("#all", keys::counter(Counter::All))
            .expression_attribute_values(":zero", super::number(0))
            .send_boxed()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // It was used meanwhile.
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error(UPDATING)(error)),
            },
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
