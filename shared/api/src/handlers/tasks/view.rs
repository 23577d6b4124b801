//! A task as its owner sees it.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    due::Due,
    id::{ReminderId, TaskId, UserId},
    reminder::{DeliveryStatus, Reason, Reminder, ReminderSpec},
    task::{Priority, Status, Task},
    text::{Category, Description, Tag, Title},
};

use crate::http::{Problem, Reply};

/// A task in an answer.
#[derive(Serialize)]
pub(super) struct TaskView<'a> {
    id: TaskId,
    title: &'a Title,
    description: &'a Description,
    status: Status,
    priority: Priority,
    category: &'a Option<Category>,
    tags: &'a [Tag],
    due: &'a Option<Due>,
    due_at: Option<Timestamp>,
    reminders: Vec<ReminderView<'a>>,
    created_by: UserId,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
}

impl<'a> From<&'a Task> for TaskView<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id,
            title: &task.title,
            description: &task.description,
            status: task.status,
            priority: task.priority,
            category: &task.category,
            tags: &task.tags,
            due: &task.due,
            due_at: task.due_at,
            reminders: task.reminders.iter().map(Into::into).collect(),
            created_by: task.created_by,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
        }
    }
}

/// A reminder in an answer: what was asked for, and what became of it.
#[derive(Serialize)]
pub(super) struct ReminderView<'a> {
    id: ReminderId,
    #[serde(flatten)]
    spec: &'a ReminderSpec,
    fire_at: Timestamp,
    status: DeliveryStatus,
    attempts: u32,
    sent_at: Option<Timestamp>,
    reason: Option<Reason>,
}

impl<'a> From<&'a Reminder> for ReminderView<'a> {
    fn from(reminder: &'a Reminder) -> Self {
        Self {
            id: reminder.id,
            spec: &reminder.spec,
            fire_at: reminder.fire_at,
            status: reminder.status,
            attempts: reminder.attempts,
            sent_at: reminder.sent_at,
            reason: reminder.reason,
        }
    }
}

/// An answer with one task and its entity tag.
pub(super) fn reply(status: StatusCode, task: &Task) -> Result<Reply, Problem> {
    Reply::json(status, &TaskView::from(task))?.tagged(task.version)
}
