//! Returns the delivery log of a task.

use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    api_token::ApiScope,
    delivery::Reason,
    id::{SpaceId, UserId},
    policy::Action,
    ports::TaskReads,
    recurrence::AutoComplete,
    reminder::Reminder,
    task::{Completion, Task},
};

use super::{permitted, view::ReminderView};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::delivery::DeliveryView,
    http::{Call, Params, Problem, Reply, whole_list},
};

/// An entry of the delivery log.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Entry<'a> {
    Reminder(LoggedReminder<'a>),
    AutoCompletion(AutoCompletion),
}

/// A reminder and its delivery.
#[derive(Serialize)]
struct LoggedReminder<'a> {
    #[serde(flatten)]
    reminder: ReminderView<'a>,
    #[serde(flatten)]
    delivery: DeliveryView,
}

impl<'a> LoggedReminder<'a> {
    /// A reminder as a reader of the task sees it. A personal space has only one reader, but a mail can have gone to someone
    /// else before the task moved there.
    fn of(reminder: &'a Reminder, task: &Task, reader: UserId) -> Self {
        let is_own = reminder.delivery.recipient.is_none_or(|recipient| recipient == reader);
        let delivery = match is_own && task.space == SpaceId::personal(reader) {
            true => DeliveryView::from(&reminder.delivery),
            false => DeliveryView::from(&reminder.delivery.seen_by(reader)),
        };
        Self { reminder: reminder.into(), delivery }
    }
}

/// The result of an automatic completion.
#[derive(Serialize)]
struct AutoCompletion {
    after: AutoComplete,
    fire_at: Option<Timestamp>,
    status: &'static str,
    reason: Option<Reason>,
}

impl AutoCompletion {
    fn of(task: &Task) -> Option<Self> {
        let after = task.auto_complete_after?;
        let (fire_at, status, reason) = match task.completed_by {
            None => (task.auto_complete_at(), "scheduled", None),
            Some(Completion::Timer) => (task.completed_at, "done", None),
            Some(Completion::Person) => (None, "skipped", Some(Reason::TaskCompleted)),
        };
        Some(Self { after, fire_at, status, reason })
    }
}

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-task-reminders",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/reminders",
    operations: &[Operation {
        method: "GET",
        summary: "Get the delivery log",
        description: "Returns the delivery status of each reminder of the task, past and upcoming, and of its automatic completion.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("DeliveryLogEntry"))],
        errors: &["validation_failed"],
    }],
};

/// Responds with the current reminders and the past reminders that were removed or replaced, in order of their times;
/// last the result of the automatic completion, if the task has one.
pub async fn handle(call: &Call<'_>, tasks: &impl TaskReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let task = permitted(tasks, tasks.task(call.path_id("task_id")?).await?, caller, Action::ReadTasks)
        .await?;
    let mut log: Vec<_> = task.archived_reminders.iter().chain(&task.reminders).collect();
    log.sort_by_key(|reminder| (reminder.delivery.fire_at, reminder.id));
    let view = |reminder| Entry::Reminder(LoggedReminder::of(reminder, &task, caller.user));
    let reminders = log.into_iter().map(view);
    let items: Vec<_> = reminders.chain(AutoCompletion::of(&task).map(Entry::AutoCompletion)).collect();
    whole_list(&items)
}
