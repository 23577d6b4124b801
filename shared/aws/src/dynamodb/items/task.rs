//! Tasks. An item has three parts: the keys of the indexes, one map attribute with all that a client sees, and the state of
//! deliveries. Indexes of lists project only the map, so a delivery changes none of them.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    checklist::ChecklistItem,
    due::Due,
    id::{ItemId, SpaceId, TaskId, UserId},
    list::{Position, SortBy},
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::Reminder,
    task::{Completion, LastWrite, Priority, Status, Task},
    text::{Category, Description, ItemTitle, Tag, Title},
    unknown::Unknown,
    zone::Zone,
};

use super::{
    InvalidAttribute,
    delivery::TimerKeys,
    reminder::{DeliveryOf, PastReminderItem, ReminderItem},
    unknown,
};
use crate::dynamodb::{keys, positions};

#[derive(Serialize, Deserialize)]
struct SeriesItem {
    rule: String,
    from: String,
    #[serde(rename = "slot")]
    occurrence_time: String,
    number: u32,
}

impl From<&Series> for SeriesItem {
    fn from(series: &Series) -> Self {
        Self {
            rule: series.rule.to_string(),
            from: series.from.as_str().to_owned(),
            occurrence_time: series.occurrence_time.to_string(),
            number: series.number,
        }
    }
}

impl TryFrom<SeriesItem> for Series {
    type Error = InvalidAttribute;

    fn try_from(item: SeriesItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            rule: Rule::parse_trusted(&item.rule)?,
            from: RecurrenceFrom::parse(&item.from)?,
            occurrence_time: Due::parse_trusted(&item.occurrence_time)?,
            number: item.number,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ChecklistEntry {
    id: ItemId,
    title: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
}

/// What a client sees of a task: the attribute [`keys::TASK_MAP`].
#[derive(Serialize, Deserialize)]
struct TaskMap {
    space: SpaceId,
    title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    status: String,
    priority: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    due_at: Option<Timestamp>,
    time_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurrence: Option<SeriesItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_occurrence: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_complete_after: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<ReminderItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checklist: Vec<ChecklistEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<UserId>,
    created_by: UserId,
    version: u64,
    #[serde(with = "second::required")]
    created_at: Timestamp,
    #[serde(with = "second::required")]
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    moved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_by: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// A task in the table.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct TaskItem {
    pk: String,
    space_key: String,
    due_key: String,
    status_key: String,
    stage_key: String,
    priority_key: String,
    updated_key: String,
    title_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_key: Option<String>,
    task: TaskMap,
    #[serde(flatten)]
    timer: TimerKeys,
    revision: u64,
    last_write: String,
    /// The deliveries of current reminders, without those that are as the reminder was created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<DeliveryOf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_reminders: Vec<PastReminderItem>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    #[serde(rename = "rests_until")]
    completion_postponed_until: Option<Timestamp>,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

/// A task in an index of lists.
#[derive(Deserialize)]
pub(in crate::dynamodb) struct ListedTaskItem {
    pk: String,
    task: TaskMap,
}

impl From<&Task> for TaskMap {
    fn from(task: &Task) -> Self {
        Self {
            space: task.space,
            title: task.title.as_str().to_owned(),
            description: task.description.as_str().to_owned(),
            status: task.status.as_str().to_owned(),
            priority: task.priority.as_str().to_owned(),
            category: task.category.as_ref().map(|category| category.as_str().to_owned()),
            tags: task.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            due: task.due.as_ref().map(ToString::to_string),
            due_at: task.due_at,
            time_zone: task.time_zone.to_string(),
            recurrence: task.recurrence.as_ref().map(Into::into),
            next_occurrence: task.next_occurrence,
            auto_complete_after: task.auto_complete_after.map(|after| after.to_string()),
            reminders: task.reminders.iter().map(Into::into).collect(),
            checklist: task
                .checklist
                .iter()
                .map(|item| ChecklistEntry {
                    id: item.id,
                    title: item.title.as_str().to_owned(),
                    done: item.done,
                })
                .collect(),
            assigned_to: task.assigned_to,
            created_by: task.created_by,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
            moved_at: task.moved_at,
            completed_at: task.completed_at,
            completed_by: task.completed_by.map(|by| by.as_str().to_owned()),
            unknown: task.unknown.clone(),
        }
    }
}

impl From<&Task> for TaskItem {
    fn from(task: &Task) -> Self {
        let stage = keys::Stage::of(task.status);
        Self {
            pk: keys::task(task.id).0,
            space_key: keys::space_partition(task.space),
            due_key: positions::position(&Position::of(task, SortBy::Due)),
            status_key: keys::status_partition(task.space, task.status),
            stage_key: keys::stage_partition(task.space, stage),
            priority_key: positions::position(&Position::of(task, SortBy::Priority)),
            updated_key: positions::position(&Position::of(task, SortBy::Updated)),
            title_key: positions::position(&Position::of(task, SortBy::Title)),
            assignee_key: task.assigned_to.map(|user| keys::assignee_partition(user, stage)),
            task: task.into(),
            timer: TimerKeys::of(task.timer()),
            revision: task.revision,
            last_write: task.last_write.as_str().to_owned(),
            deliveries: task.reminders.iter().filter_map(DeliveryOf::changed).collect(),
            past_reminders: task.archived_reminders.iter().map(Into::into).collect(),
            completion_postponed_until: task.completion_postponed_until,
            unknown: task.unknown_state.clone(),
        }
    }
}

impl TaskMap {
    /// The task as lists contain it.
    fn listed(self, partition: &str) -> Result<Task, InvalidAttribute> {
        Ok(Task {
            id: keys::task_of(partition).ok_or("id")?,
            space: self.space,
            title: Title::parse(&self.title)?,
            description: Description::parse(&self.description)?,
            status: Status::parse(&self.status)?,
            priority: Priority::parse(&self.priority)?,
            category: self.category.as_deref().map(Category::parse).transpose()?,
            tags: self.tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<_, _>>()?,
            due: self.due.as_deref().map(Due::parse_trusted).transpose()?,
            due_at: self.due_at,
            time_zone: Zone::parse(&self.time_zone)?,
            recurrence: self.recurrence.map(Series::try_from).transpose()?,
            next_occurrence: self.next_occurrence,
            auto_complete_after: self
                .auto_complete_after
                .as_deref()
                .map(AutoComplete::parse)
                .transpose()?,
            completion_postponed_until: None,
            reminders: self
                .reminders
                .into_iter()
                .map(Reminder::try_from)
                .collect::<Result<_, InvalidAttribute>>()?,
            archived_reminders: Vec::new(),
            checklist: self
                .checklist
                .into_iter()
                .map(|ChecklistEntry { id, title, done }| {
                    Ok(ChecklistItem { id, title: ItemTitle::parse(&title)?, done })
                })
                .collect::<Result<_, InvalidAttribute>>()?,
            assigned_to: self.assigned_to,
            created_by: self.created_by,
            version: self.version,
            revision: 0,
            last_write: LastWrite::Edit,
            created_at: self.created_at,
            updated_at: self.updated_at,
            moved_at: self.moved_at,
            completed_at: self.completed_at,
            completed_by: self.completed_by.as_deref().map(Completion::parse).transpose()?,
            unknown: self.unknown,
            unknown_state: Unknown::default(),
        })
    }
}

impl TryFrom<ListedTaskItem> for Task {
    type Error = InvalidAttribute;

    fn try_from(item: ListedTaskItem) -> Result<Self, InvalidAttribute> {
        item.task.listed(&item.pk)
    }
}

impl TryFrom<TaskItem> for Task {
    type Error = InvalidAttribute;

    fn try_from(item: TaskItem) -> Result<Self, InvalidAttribute> {
        let mut task = item.task.listed(&item.pk)?;
        for stored in item.deliveries {
            if let Some(reminder) = task.reminders.iter_mut().find(|reminder| reminder.id == stored.id)
            {
                reminder.delivery = stored.delivery.try_into()?;
            }
        }
        Ok(Self {
            revision: item.revision,
            last_write: LastWrite::parse(&item.last_write)?,
            archived_reminders: item
                .past_reminders
                .into_iter()
                .map(Reminder::try_from)
                .collect::<Result<_, InvalidAttribute>>()?,
            completion_postponed_until: item.completion_postponed_until,
            unknown_state: item.unknown,
            ..task
        })
    }
}
