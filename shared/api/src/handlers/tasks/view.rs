//! The task in responses.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    due::Due,
    id::{ItemId, ReminderId, SpaceId, TaskId, UserId},
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    reminder::{Reminder, ReminderSpec},
    task::{Completion, Priority, Status, Task},
    text::{Category, Description, ItemTitle, Tag, Title},
    zone::Zone,
};

use crate::http::{Problem, Reply};

/// A task in a response.
#[derive(Serialize)]
pub(in crate::handlers) struct TaskView<'a> {
    id: TaskId,
    space: SpaceId,
    title: &'a Title,
    description: &'a Description,
    status: Status,
    priority: Priority,
    category: &'a Option<Category>,
    tags: &'a [Tag],
    due: &'a Option<Due>,
    due_at: Option<Timestamp>,
    time_zone: &'a Zone,
    reminders: Vec<ReminderView<'a>>,
    recurrence: Option<&'a Rule>,
    recurrence_from: Option<RecurrenceFrom>,
    occurrence: Option<u32>,
    next_occurrence: Option<TaskId>,
    auto_complete_after: Option<AutoComplete>,
    auto_complete_at: Option<Timestamp>,
    checklist: Vec<ItemView<'a>>,
    assigned_to: Option<UserId>,
    created_by: UserId,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    moved_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    completed_by: Option<Completion>,
}

impl<'a> From<&'a Task> for TaskView<'a> {
    fn from(task: &'a Task) -> Self {
        let series = task.recurrence.as_ref();
        Self {
            id: task.id,
            space: task.space,
            title: &task.title,
            description: &task.description,
            status: task.status,
            priority: task.priority,
            category: &task.category,
            tags: &task.tags,
            due: &task.due,
            due_at: task.due_at,
            time_zone: &task.time_zone,
            reminders: task.reminders.iter().map(Into::into).collect(),
            recurrence: series.map(|series| &series.rule),
            recurrence_from: series.map(|series| series.from),
            occurrence: series.map(|series| series.number),
            next_occurrence: task.next_occurrence,
            auto_complete_after: task.auto_complete_after,
            auto_complete_at: task.auto_complete_at(),
            checklist: task
                .checklist
                .iter()
                .map(|item| ItemView { id: item.id, title: &item.title, done: item.done })
                .collect(),
            assigned_to: task.assigned_to,
            created_by: task.created_by,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
            moved_at: task.moved_at,
            completed_at: task.completed_at,
            completed_by: task.completed_by,
        }
    }
}

/// A checklist item in a response.
#[derive(Serialize)]
struct ItemView<'a> {
    id: ItemId,
    title: &'a ItemTitle,
    done: bool,
}

/// A reminder in a response. The result of its delivery is in the delivery log.
#[derive(Serialize)]
pub(super) struct ReminderView<'a> {
    id: ReminderId,
    #[serde(flatten)]
    spec: &'a ReminderSpec,
    fire_at: Timestamp,
}

impl<'a> From<&'a Reminder> for ReminderView<'a> {
    fn from(reminder: &'a Reminder) -> Self {
        Self { id: reminder.id, spec: &reminder.spec, fire_at: reminder.delivery.fire_at }
    }
}

/// A response with a task and its entity tag.
pub(super) fn reply(status: StatusCode, task: &Task) -> Result<Reply, Problem> {
    Reply::json(status, &TaskView::from(task))?.tagged(task.version)
}
