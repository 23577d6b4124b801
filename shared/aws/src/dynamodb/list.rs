//! Lists of tasks: which index serves a query, and the bounded loop that fills a page.
//!
//! A query is served by one index partition, or by two that are merged (open and completed tasks, for an
//! order by priority). What their keys cannot decide is left to a filter. Since every sort key ends with
//! the task's id, a place in the merged order is one string, and each partition goes on behind it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use taskbell_domain::{
    id::SpaceId,
    list::{Position, Scope, SortBy, TaskFilter, TaskPage, TaskQuery},
    ports::PortError,
    task::{Status, Task},
};

use super::{
    DynamoDb, Item,
    items::{TaskItem, read},
    keys::{self, Index, Stage},
    number, positions, text,
};
use crate::{
    error::{corrupt, outside, port_error},
    send_boxed::SendBoxed,
};

const OPERATION: &str = "listing tasks";

/// The most Query calls that one page costs.
const CALLS_A_PAGE: usize = 2;

/// How many items one call looks at when a filter may drop some of them. With the calls of a page it
/// bounds what a page costs: 2 × 48 items of 0.8 KB are 9.4 read units.
const EXAMINED_A_CALL: i32 = 48;

/// The partition of an index that holds some of the tasks, in order, and what is left to filter.
struct Plan {
    index: Index,
    partitions: Vec<String>,
    /// Bounds of the sort key: from the first, inclusive, to the second, exclusive.
    range: (String, String),
    /// What the keys do not decide.
    rest: TaskFilter,
}

impl Plan {
    fn of(query: &TaskQuery) -> Self {
        let mut rest = query.filter.clone();
        if query.is_bounded_by_due() {
            (rest.due_after, rest.due_before) = (None, None);
        }
        let (index, partitions) = match query.scope {
            Scope::Space(space) => partitions_of(space, query.sort.by, &mut rest),
            Scope::AssignedTo(user) => {
                rest.assigned_to = None;
                let stages = stages(&mut rest).into_iter();
                (keys::BY_ASSIGNEE, stages.map(|stage| keys::assignee_partition(user, stage)).collect())
            }
        };
        Self { index, partitions, range: positions::position_bounds(query), rest }
    }

    fn examined_a_call(&self, limit: u8) -> i32 {
        if self.rest == TaskFilter::default() { i32::from(limit) + 1 } else { EXAMINED_A_CALL }
    }
}

/// Where the tasks of a space stand in that order. What this decides is taken out of the filter.
fn partitions_of(space: SpaceId, by: SortBy, rest: &mut TaskFilter) -> (Index, Vec<String>) {
    if rest.open && rest.status.is_some_and(|status| status != Status::Completed) {
        rest.open = false;
    }
    let whole = vec![keys::space_partition(space)];
    match (by, rest.status, rest.priority) {
        (SortBy::Created, ..) => (keys::BY_CREATED, whole),
        (SortBy::Updated, ..) => (keys::BY_UPDATED, whole),
        (SortBy::Title, ..) => (keys::BY_TITLE, whole),
        (SortBy::Due, None, None) if rest.open => {
            rest.open = false;
            let open = [Status::Pending, Status::InProgress];
            (keys::BY_STATUS, open.map(|status| keys::status_partition(space, status)).to_vec())
        }
        (SortBy::Due, None, None) => (keys::BY_DUE, whole),
        (SortBy::Due, Some(status), None) => {
            rest.status = None;
            (keys::BY_STATUS, vec![keys::status_partition(space, status)])
        }
        (SortBy::Priority, ..) | (SortBy::Due, _, Some(_)) => {
            let stages = stages(rest).into_iter();
            rest.priority = None;
            (keys::BY_PRIORITY, stages.map(|stage| keys::stage_partition(space, stage)).collect())
        }
    }
}

/// The stages in which tasks with the filter's status are. What the stage decides is taken out of the filter:
/// being completed is all there is to be in the stage of the completed.
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

/// One partition on its way through the page.
struct Stream {
    partition: String,
    found: Vec<(Position, Task)>,
    /// The last place that was looked at.
    reached: Option<Position>,
    exhausted: bool,
}

impl DynamoDb {
    pub(super) async fn list_tasks(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        let plan = Plan::of(query);
        let limit = usize::from(query.limit);
        if !query.has_valid_position() {
            return Err(outside(OPERATION));
        }
        if plan.range.0 >= plan.range.1 {
            return Ok(TaskPage { items: Vec::new(), next: None });
        }
        let mut streams: Vec<_> = plan
            .partitions
            .iter()
            .map(|partition| Stream {
                partition: partition.clone(),
                found: Vec::new(),
                reached: query.after.clone(),
                exhausted: false,
            })
            .collect();
        for _ in 0..CALLS_A_PAGE / streams.len() {
            for stream in streams.iter_mut().filter(|s| !s.exhausted && s.found.len() <= limit) {
                self.read_on(&plan, query, stream).await?;
            }
        }
        Ok(merge(streams, limit, query.sort.descending))
    }

    async fn read_on(
        &self,
        plan: &Plan,
        query: &TaskQuery,
        stream: &mut Stream,
    ) -> Result<(), PortError> {
        let mut request = self
            .client
            .query()
            .table_name(&self.tasks)
            .index_name(plan.index.name)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", plan.index.partition)
            .expression_attribute_names("#sk", plan.index.sort)
            .expression_attribute_values(":pk", text(&stream.partition))
            .expression_attribute_values(":from", text(non_empty(&plan.range.0)))
            // No sort key equals the bound, since each ends with an id: to exclude it is to include it.
            .expression_attribute_values(":to", text(&plan.range.1))
            .scan_index_forward(!query.sort.descending)
            .limit(plan.examined_a_call(query.limit));
        if let Some(place) = &stream.reached {
            request = request.set_exclusive_start_key(start_key(plan, &stream.partition, place));
        }
        let (conditions, names, values) = filter_expression(&plan.rest);
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
        stream.reached = match answer.last_evaluated_key {
            Some(last) => Some(place_of(plan, &last)?),
            None => {
                stream.exhausted = true;
                None
            }
        };
        for item in answer.items.unwrap_or_default() {
            let place = place_of(plan, &item)?;
            let task: Task = read::<TaskItem, _>(OPERATION, item)?;
            // DynamoDB compares bytes, and knows no days: words and days are looked at here, in the same bounded number
            // of items.
            let decided = plan.rest.search.is_none() && plan.rest.due_days.is_none();
            if decided || plan.rest.admits(&task) {
                stream.found.push((place, task));
            }
        }
        Ok(())
    }
}

/// Merges what the streams found into a page. Beyond the least place that a stream has reached, another
/// may still have earlier tasks: the page ends there.
fn merge(streams: Vec<Stream>, limit: usize, descending: bool) -> TaskPage {
    let earlier = |a: &Position, b: &Position| if descending { a > b } else { a < b };
    let mut frontier: Option<Position> = None;
    let mut found = Vec::new();
    for stream in streams {
        if let Some(reached) = stream.reached.filter(|_| !stream.exhausted)
            && frontier.as_ref().is_none_or(|frontier| earlier(&reached, frontier))
        {
            frontier = Some(reached);
        }
        found.extend(stream.found);
    }
    if let Some(frontier) = &frontier {
        found.retain(|(place, _)| !earlier(frontier, place));
    }
    found.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
    let next = match found.get(limit) {
        Some(_) => {
            limit.checked_sub(1).and_then(|last| found.get(last)).map(|(place, _)| place.clone())
        }
        None => frontier,
    };
    found.truncate(limit);
    TaskPage { items: found.into_iter().map(|(_, task)| task).collect(), next }
}

/// A key value cannot be empty; a space sorts before all that stands in one.
fn non_empty(bound: &str) -> &str {
    if bound.is_empty() { " " } else { bound }
}

/// The key behind which a query goes on. It is rebuilt from the place, so that no cursor carries one. A
/// partition that does not hold the task itself goes on just the same.
fn start_key(plan: &Plan, partition: &str, place: &Position) -> Option<Item> {
    let (table_partition, table_sort) = keys::task(place.task);
    let mut start = HashMap::from([
        (keys::PK.to_owned(), text(table_partition)),
        (keys::SK.to_owned(), text(table_sort)),
        (plan.index.partition.to_owned(), text(partition)),
    ]);
    // Where the index sorts by the table's own key, that is there already.
    start.entry(plan.index.sort.to_owned()).or_insert_with(|| text(positions::position(place)));
    Some(start)
}

fn place_of(plan: &Plan, item: &Item) -> Result<Position, PortError> {
    let key = item.get(plan.index.sort).and_then(|value| value.as_s().ok());
    let place = match plan.index {
        keys::BY_CREATED => key.and_then(|key| keys::created_place(key)),
        _ => key.map(String::as_str),
    };
    let by = match plan.index {
        keys::BY_CREATED => SortBy::Created,
        keys::BY_PRIORITY => SortBy::Priority,
        keys::BY_UPDATED => SortBy::Updated,
        keys::BY_TITLE => SortBy::Title,
        _ => SortBy::Due,
    };
    let place = place.and_then(|place| positions::parse_position(by, place));
    place.ok_or_else(|| corrupt(OPERATION, plan.index.sort))
}

type Expression =
    (Vec<&'static str>, Vec<(&'static str, &'static str)>, Vec<(&'static str, AttributeValue)>);

/// What is left to filter, as an expression with its names and values.
fn filter_expression(filter: &TaskFilter) -> Expression {
    let (mut conditions, mut names, mut values) = Expression::default();
    let mut add = |condition, name, attribute, value_name, value| {
        conditions.push(condition);
        if !names.contains(&(name, attribute)) {
            names.push((name, attribute));
        }
        values.push((value_name, value));
    };
    if let Some(space) = filter.space {
        add("#space = :space", "#space", "space_key", ":space", text(keys::space_partition(space)));
    }
    if let Some(user) = filter.assigned_to {
        add("#assignee = :assignee", "#assignee", "assigned_to", ":assignee", text(user.to_string()));
    }
    if filter.open {
        let done = text(Status::Completed.as_str());
        add("#status <> :completed", "#status", "status", ":completed", done);
    }
    if let Some(status) = filter.status {
        add("#status = :status", "#status", "status", ":status", text(status.as_str()));
    }
    if let Some(priority) = filter.priority {
        add("#priority = :priority", "#priority", "priority", ":priority", text(priority.as_str()));
    }
    if let Some(category) = &filter.category {
        add("#category = :category", "#category", "category", ":category", text(category.as_str()));
    }
    if let Some(tag) = &filter.tag {
        add("contains(#tags, :tag)", "#tags", "tags", ":tag", text(tag.as_str()));
    }
    if let Some(end) = filter.due_before {
        add("#due_at < :due_before", "#due_at", "due_at", ":due_before", number(end.as_second()));
    }
    if let Some(start) = filter.due_after {
        add("#due_at >= :due_after", "#due_at", "due_at", ":due_after", number(start.as_second()));
    }
    (conditions, names, values)
}
