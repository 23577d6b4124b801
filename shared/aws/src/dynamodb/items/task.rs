//! Tasks.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    checklist::ChecklistItem,
    due::Due,
    id::{ItemId, TaskId, UserId},
    list::{Position, SortBy},
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::Reminder,
    task::{Completion, Priority, Status, Task},
    text::{Category, Description, ItemTitle, Tag, Title},
    unknown::Unknown,
    zone::Zone,
};

use super::{InvalidAttribute, delivery::TimerKeys, reminder::ReminderItem, unknown};
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
    #[serde(flatten)]
    timer: TimerKeys,
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
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    #[serde(rename = "rests_until")]
    completion_postponed_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<ReminderItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "past_reminders")]
    archived_reminders: Vec<ReminderItem>,
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
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_by: Option<String>,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
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
            timer: TimerKeys::of(task.timer()),
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
            completion_postponed_until: task.completion_postponed_until,
            reminders: task.reminders.iter().map(Into::into).collect(),
            archived_reminders: task.archived_reminders.iter().map(Into::into).collect(),
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
            completed_at: task.completed_at,
            completed_by: task.completed_by.map(|by| by.as_str().to_owned()),
            unknown: task.unknown.clone(),
        }
    }
}

impl TryFrom<TaskItem> for Task {
    type Error = InvalidAttribute;

    fn try_from(item: TaskItem) -> Result<Self, InvalidAttribute> {
        let reminders = |items: Vec<ReminderItem>| {
            items.into_iter().map(Reminder::try_from).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            id: keys::task_of(&item.pk).ok_or("id")?,
            space: keys::space_of(&item.space_key).ok_or("space")?,
            title: Title::parse(&item.title)?,
            description: Description::parse(&item.description)?,
            status: Status::parse(&item.status)?,
            priority: Priority::parse(&item.priority)?,
            category: item.category.as_deref().map(Category::parse).transpose()?,
            tags: item.tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<_, _>>()?,
            due: item.due.as_deref().map(Due::parse_trusted).transpose()?,
            due_at: item.due_at,
            time_zone: Zone::parse(&item.time_zone)?,
            recurrence: item.recurrence.map(Series::try_from).transpose()?,
            next_occurrence: item.next_occurrence,
            auto_complete_after: item
                .auto_complete_after
                .as_deref()
                .map(AutoComplete::parse)
                .transpose()?,
            completion_postponed_until: item.completion_postponed_until,
            reminders: reminders(item.reminders)?,
            archived_reminders: reminders(item.archived_reminders)?,
            checklist: item
                .checklist
                .into_iter()
                .map(|ChecklistEntry { id, title, done }| {
                    Ok(ChecklistItem { id, title: ItemTitle::parse(&title)?, done })
                })
                .collect::<Result<_, InvalidAttribute>>()?,
            assigned_to: item.assigned_to,
            created_by: item.created_by,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            completed_at: item.completed_at,
            completed_by: item.completed_by.as_deref().map(Completion::parse).transpose()?,
            unknown: item.unknown,
        })
    }
}
