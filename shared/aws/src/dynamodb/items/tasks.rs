//! Tasks, comments on them, and the records of idempotency keys.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    checklist::ChecklistItem,
    comment::Comment,
    due::Due,
    id::{CommentId, ItemId, ReminderId, TaskId, UserId},
    list::{Position, SortBy},
    ports::IdempotencyRecord,
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::{LeadTime, Reminder, ReminderSpec},
    task::{Completion, Priority, Status, Task},
    text::{Category, CommentText, Description, ItemTitle, Tag, Title},
    unknown::Unknown,
    zone::Zone,
};

use super::{
    Unreadable,
    delivery::{DeliveryItem, TimerKeys},
    unknown,
};
use crate::dynamodb::{keys, positions};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct SpecItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "second::optional")]
    snoozed: Option<Timestamp>,
}

impl From<&ReminderSpec> for SpecItem {
    fn from(spec: &ReminderSpec) -> Self {
        let none = Self { before: None, at: None, snoozed: None };
        match spec {
            ReminderSpec::Before(lead) => Self { before: Some(lead.to_string()), ..none },
            ReminderSpec::At(time) => Self { at: Some(time.to_string()), ..none },
            ReminderSpec::Snoozed(until) => Self { snoozed: Some(*until), ..none },
        }
    }
}

impl TryFrom<SpecItem> for ReminderSpec {
    type Error = Unreadable;

    fn try_from(item: SpecItem) -> Result<Self, Unreadable> {
        match (item.before, item.at, item.snoozed) {
            (Some(lead), None, None) => Ok(Self::Before(LeadTime::parse(&lead)?)),
            (None, Some(time), None) => Ok(Self::parse_at(&time)?),
            (None, None, Some(until)) => Ok(Self::Snoozed(until)),
            _ => Err("reminder".into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ReminderItem {
    id: ReminderId,
    #[serde(flatten)]
    spec: SpecItem,
    #[serde(flatten)]
    delivery: DeliveryItem,
}

impl From<&Reminder> for ReminderItem {
    fn from(reminder: &Reminder) -> Self {
        let (spec, delivery) = ((&reminder.spec).into(), (&reminder.delivery).into());
        Self { id: reminder.id, spec, delivery }
    }
}

impl TryFrom<ReminderItem> for Reminder {
    type Error = Unreadable;

    fn try_from(item: ReminderItem) -> Result<Self, Unreadable> {
        let (spec, delivery) = (item.spec.try_into()?, item.delivery.try_into()?);
        Ok(Self { id: item.id, spec, delivery })
    }
}

#[derive(Serialize, Deserialize)]
struct SeriesItem {
    rule: String,
    from: String,
    slot: String,
    number: u32,
}

impl From<&Series> for SeriesItem {
    fn from(series: &Series) -> Self {
        Self {
            rule: series.rule.to_string(),
            from: series.from.as_str().to_owned(),
            slot: series.occurrence_time.to_string(),
            number: series.number,
        }
    }
}

impl TryFrom<SeriesItem> for Series {
    type Error = Unreadable;

    fn try_from(item: SeriesItem) -> Result<Self, Unreadable> {
        Ok(Self {
            rule: Rule::parse_trusted(&item.rule)?,
            from: RecurrenceFrom::parse(&item.from)?,
            occurrence_time: Due::parse_trusted(&item.slot)?,
            number: item.number,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StepItem {
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
    rests_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<ReminderItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_reminders: Vec<ReminderItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checklist: Vec<StepItem>,
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
            rests_until: task.rests_until,
            reminders: task.reminders.iter().map(Into::into).collect(),
            past_reminders: task.archived_reminders.iter().map(Into::into).collect(),
            checklist: task
                .checklist
                .iter()
                .map(|step| StepItem {
                    id: step.id,
                    title: step.title.as_str().to_owned(),
                    done: step.done,
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
    type Error = Unreadable;

    fn try_from(item: TaskItem) -> Result<Self, Unreadable> {
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
            rests_until: item.rests_until,
            reminders: reminders(item.reminders)?,
            archived_reminders: reminders(item.past_reminders)?,
            checklist: item
                .checklist
                .into_iter()
                .map(|StepItem { id, title, done }| {
                    Ok(ChecklistItem { id, title: ItemTitle::parse(&title)?, done })
                })
                .collect::<Result<_, Unreadable>>()?,
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

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct CommentItem {
    id: CommentId,
    task: TaskId,
    author: UserId,
    text: String,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Comment> for CommentItem {
    fn from(comment: &Comment) -> Self {
        Self {
            id: comment.id,
            task: comment.task,
            author: comment.author,
            text: comment.text.as_str().to_owned(),
            version: comment.version,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
            unknown: comment.unknown.clone(),
        }
    }
}

impl TryFrom<CommentItem> for Comment {
    type Error = Unreadable;

    fn try_from(item: CommentItem) -> Result<Self, Unreadable> {
        Ok(Self {
            id: item.id,
            task: item.task,
            author: item.author,
            text: CommentText::parse(&item.text)?,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct IdempotencyItem {
    user: UserId,
    key_hash: String,
    body_hash: String,
    #[serde(alias = "task")]
    made: String,
    status: u16,
    created_at: i64,
    expires_at: i64,
}

impl From<&IdempotencyRecord> for IdempotencyItem {
    fn from(record: &IdempotencyRecord) -> Self {
        Self {
            user: record.user,
            key_hash: record.key_hash.clone(),
            body_hash: record.body_hash.clone(),
            made: record.resource_id.clone(),
            status: record.status,
            created_at: record.created_at.as_second(),
            expires_at: record.expires_at.as_second(),
        }
    }
}

impl TryFrom<IdempotencyItem> for IdempotencyRecord {
    type Error = Unreadable;

    fn try_from(item: IdempotencyItem) -> Result<Self, Unreadable> {
        Ok(Self {
            user: item.user,
            key_hash: item.key_hash,
            body_hash: item.body_hash,
            resource_id: item.made,
            status: item.status,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
        })
    }
}
