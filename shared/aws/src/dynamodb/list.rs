//! Lists of tasks: the index that serves a query, and the bounded loop that fills a page.
//!
//! A query reads one partition of an index, or merges two (for example open and completed tasks, in order of priority).
//! Conditions that the keys do not express become a filter. Every sort key ends with the task's id, so a position in the
//! merged order is one string, and each partition continues after it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use taskbell_domain::{
    id::SpaceId,
    list::{Position, Scope, SortBy, TaskFilter, TaskPage, TaskQuery},
    ports::PortError,
    task::{Status, Task},
};

use super::{
    DynamoDb, Item,
    items::{ListedTaskItem, parse_item},
    keys::{self, Index, Stage},
    number, positions, text,
};
use crate::{
    error::{corrupt, port_error, start_outside_list},
    send_boxed::SendBoxed,
};

const OPERATION: &str = "listing tasks";

/// The limit of Query calls per page.
const CALLS_PER_PAGE: usize = 2;

/// How many items one call reads if there is a filter. Together with [`CALLS_PER_PAGE`] it limits the cost of a page: 2 × 48
/// items of 0.8 KB are 9.4 read units.
const EXAMINED_PER_CALL: i32 = 48;

/// The partitions that hold the tasks of a query in its order, and the filter for the rest of its conditions.
struct Plan {
    index: Index,
    partitions: Vec<String>,
    /// The range of the sort key: the first bound is inclusive, the second exclusive.
    range: (String, String),
    /// The conditions that the keys do not express.
    filter: TaskFilter,
}

impl Plan {
    fn of(query: &TaskQuery) -> Self {
        let mut filter = query.filter.clone();
        if query.is_bounded_by_due() {
            (filter.due_after, filter.due_before) = (None, None);
        }
        let (index, partitions) = match query.scope {
            Scope::Space(space) => partitions_of(space, query.sort.by, &mut filter),
            Scope::AssignedTo(user) => {
                filter.assigned_to = None;
                let stages = stages(&mut filter).into_iter();
                (keys::BY_ASSIGNEE, stages.map(|stage| keys::assignee_partition(user, stage)).collect())
            }
        };
        Self { index, partitions, range: positions::position_bounds(query), filter }
    }

    fn examined_per_call(&self, limit: u8) -> i32 {
        if self.filter == TaskFilter::default() { i32::from(limit) + 1 } else { EXAMINED_PER_CALL }
    }
}

/// The partitions of a space in this order. Removes the conditions that they express from the filter.
fn partitions_of(space: SpaceId, by: SortBy, filter: &mut TaskFilter) -> (Index, Vec<String>) {
    if filter.open && filter.status.is_some_and(|status| status != Status::Completed) {
        filter.open = false;
    }
    let whole_space = vec![keys::space_partition(space)];
    match (by, filter.status, filter.priority) {
        (SortBy::Created, ..) => (keys::BY_CREATED, whole_space),
        (SortBy::Updated, ..) => (keys::BY_UPDATED, whole_space),
        (SortBy::Title, ..) => (keys::BY_TITLE, whole_space),
        (SortBy::Due, None, None) if filter.open => {
            filter.open = false;
            let open = [Status::Pending, Status::InProgress];
            (keys::BY_STATUS, open.map(|status| keys::status_partition(space, status)).to_vec())
        }
        (SortBy::Due, None, None) => (keys::BY_DUE, whole_space),
        (SortBy::Due, Some(status), None) => {
            filter.status = None;
            (keys::BY_STATUS, vec![keys::status_partition(space, status)])
        }
        (SortBy::Priority, ..) | (SortBy::Due, _, Some(_)) => {
            let stages = stages(filter).into_iter();
            filter.priority = None;
            (keys::BY_PRIORITY, stages.map(|stage| keys::stage_partition(space, stage)).collect())
        }
    }
}

/// The stages that can hold tasks with the filter's status. Removes the conditions that the stages express from the filter.
fn stages(filter: &mut TaskFilter) -> Vec<Stage> {
    let status = filter.status;
    filter.status = status.filter(|status| *status != Status::Completed);
    match status {
        Some(status) => vec![Stage::of(status)],
        None if filter.open => {
            filter.open = false;
            vec![Stage::Open]
        }
        None => vec![Stage::Open, Stage::Done],
    }
}

/// The progress of a page in one partition.
struct PartitionReader {
    partition: String,
    found: Vec<(Position, Task)>,
    /// The position of the last item that was read.
    position: Option<Position>,
    exhausted: bool,
}

impl DynamoDb {
    pub(super) async fn list_tasks(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        let plan = Plan::of(query);
        let limit = usize::from(query.limit);
        if !query.has_valid_position() {
            return Err(start_outside_list(OPERATION));
        }
        if plan.range.0 >= plan.range.1 {
            return Ok(TaskPage { items: Vec::new(), next: None });
        }
        let mut readers: Vec<_> = plan
            .partitions
            .iter()
            .map(|partition| PartitionReader {
                partition: partition.clone(),
                found: Vec::new(),
                position: query.after.clone(),
                exhausted: false,
            })
            .collect();
        for _ in 0..CALLS_PER_PAGE / readers.len() {
            let unfilled = readers.iter_mut().filter(|s| !s.exhausted && s.found.len() <= limit);
            try_join_all(unfilled.map(|reader| self.read_next(&plan, query, reader))).await?;
        }
        Ok(merge(readers, limit, query.sort.descending))
    }

    async fn read_next(
        &self,
        plan: &Plan,
        query: &TaskQuery,
        reader: &mut PartitionReader,
    ) -> Result<(), PortError> {
        let mut request = self
            .client
            .query()
            .table_name(&self.tasks)
            .index_name(plan.index.name)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", plan.index.partition)
            .expression_attribute_names("#sk", plan.index.sort)
            .expression_attribute_values(":pk", text(&reader.partition))
            .expression_attribute_values(":from", text(non_empty(&plan.range.0)))
            // BETWEEN is inclusive, but no sort key equals this bound, since every sort key ends with an id.
            .expression_attribute_values(":to", text(&plan.range.1))
            .scan_index_forward(!query.sort.descending)
            .limit(plan.examined_per_call(query.limit));
        if let Some(position) = &reader.position {
            request = request.set_exclusive_start_key(start_key(plan, &reader.partition, position));
        }
        let (conditions, names, values) = filter_expression(&plan.filter);
        if !conditions.is_empty() {
            request = request.filter_expression(conditions.join(" AND "));
            for (name, attribute) in names {
                request = request.expression_attribute_names(name, attribute);
            }
            for (name, value) in values {
                request = request.expression_attribute_values(name, value);
            }
        }
        let answer = request.send_boxed().await.map_err(port_error(OPERATION))?;
        reader.position = match answer.last_evaluated_key {
            Some(last) => Some(position_of(plan, &last)?),
            None => {
                reader.exhausted = true;
                None
            }
        };
        for item in answer.items.unwrap_or_default() {
            let position = position_of(plan, &item)?;
            let task: Task = parse_item::<ListedTaskItem, _>(OPERATION, item)?;
            // DynamoDB can compare neither search terms nor days: these filters are applied here, to the same limited
            // number of items.
            let is_complete = plan.filter.search.is_none() && plan.filter.due_days.is_none();
            if is_complete || plan.filter.admits(&task) {
                reader.found.push((position, task));
            }
        }
        Ok(())
    }
}

/// Merges what the readers found into a page. The page ends at the earliest position up to which a reader has read, since
/// unread tasks of that partition may follow.
fn merge(readers: Vec<PartitionReader>, limit: usize, descending: bool) -> TaskPage {
    let earlier = |a: &Position, b: &Position| if descending { a > b } else { a < b };
    let mut frontier: Option<Position> = None;
    let mut found = Vec::new();
    for reader in readers {
        if let Some(position) = reader.position.filter(|_| !reader.exhausted)
            && frontier.as_ref().is_none_or(|frontier| earlier(&position, frontier))
        {
            frontier = Some(position);
        }
        found.extend(reader.found);
    }
    if let Some(frontier) = &frontier {
        found.retain(|(position, _)| !earlier(frontier, position));
    }
    found.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
    let next = match found.get(limit) {
        Some(_) => {
            limit.checked_sub(1).and_then(|last| found.get(last)).map(|(position, _)| position.clone())
        }
        None => frontier,
    };
    found.truncate(limit);
    TaskPage { items: found.into_iter().map(|(_, task)| task).collect(), next }
}

/// A key value must not be empty; a space character sorts before every sort key.
fn non_empty(bound: &str) -> &str {
    if bound.is_empty() { " " } else { bound }
}

/// The ExclusiveStartKey of a position. It is built from the position, so that cursors contain no keys. It is also valid
/// for a partition that does not hold the task.
fn start_key(plan: &Plan, partition: &str, position: &Position) -> Option<Item> {
    let (table_partition, table_sort) = keys::task(position.task);
    let mut start = HashMap::from([
        (keys::PK.to_owned(), text(table_partition)),
        (keys::SK.to_owned(), text(table_sort)),
        (plan.index.partition.to_owned(), text(partition)),
    ]);
    // An index that sorts by a key of the table has it already.
    start.entry(plan.index.sort.to_owned()).or_insert_with(|| text(positions::position(position)));
    Some(start)
}

fn position_of(plan: &Plan, item: &Item) -> Result<Position, PortError> {
    let key = item.get(plan.index.sort).and_then(|value| value.as_s().ok());
    let position = match plan.index {
        keys::BY_CREATED => key.and_then(|key| keys::created_position(key)),
        _ => key.map(String::as_str),
    };
    let by = match plan.index {
        keys::BY_CREATED => SortBy::Created,
        keys::BY_PRIORITY => SortBy::Priority,
        keys::BY_UPDATED => SortBy::Updated,
        keys::BY_TITLE => SortBy::Title,
        _ => SortBy::Due,
    };
    let position = position.and_then(|position| positions::parse_position(by, position));
    position.ok_or_else(|| corrupt(OPERATION, plan.index.sort))
}

type Expression =
    (Vec<&'static str>, Vec<(&'static str, &'static str)>, Vec<(&'static str, AttributeValue)>);

/// The filter as conditions, with the names and values in them.
fn filter_expression(filter: &TaskFilter) -> Expression {
    let (mut conditions, mut names, mut values) = Expression::default();
    let mut add = |condition, name, member, value_name, value| {
        conditions.push(condition);
        for name in [("#task", keys::TASK_MAP), (name, member)] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        values.push((value_name, value));
    };
    if let Some(space) = filter.space {
        add("#task.#space = :space", "#space", "space", ":space", text(space.to_string()));
    }
    if let Some(user) = filter.assigned_to {
        let user = text(user.to_string());
        add("#task.#assignee = :assignee", "#assignee", "assigned_to", ":assignee", user);
    }
    if filter.open {
        let done = text(Status::Completed.as_str());
        add("#task.#status <> :completed", "#status", "status", ":completed", done);
    }
    if let Some(status) = filter.status {
        add("#task.#status = :status", "#status", "status", ":status", text(status.as_str()));
    }
    if let Some(priority) = filter.priority {
        let priority = text(priority.as_str());
        add("#task.#priority = :priority", "#priority", "priority", ":priority", priority);
    }
    if let Some(category) = &filter.category {
        let category = text(category.as_str());
        add("#task.#category = :category", "#category", "category", ":category", category);
    }
    if let Some(tag) = &filter.tag {
        add("contains(#task.#tags, :tag)", "#tags", "tags", ":tag", text(tag.as_str()));
    }
    if let Some(end) = filter.due_before {
        let end = number(end.as_second());
        add("#task.#due_at < :due_before", "#due_at", "due_at", ":due_before", end);
    }
    if let Some(start) = filter.due_after {
        let start = number(start.as_second());
        add("#task.#due_at >= :due_after", "#due_at", "due_at", ":due_after", start);
    }
    (conditions, names, values)
}
