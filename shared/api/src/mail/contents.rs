//! Mails about tasks.

use jiff::Timestamp;
use taskbell_domain::{
    delivery::LATE_AFTER,
    id::NotificationId,
    policy::{Action, permits},
    ports::{Mail, MailTags},
    reminder::LeadTime,
    space::Role,
    task::{Claim, Priority, Status, Task},
    text::SpaceName,
    timer::TimerTarget,
    user::{MailKind, User},
};

use super::{
    Envelope, Footer, MailContext, WriteError, due_text, in_words, plain_text::normalize_lines,
    shortened,
};
use crate::links::{LinkAction, TASK_LINK_LIFETIME};

/// Declares what a mail says, and the two templates that say it, in text and in HTML. The footer is rendered in the HTML
/// only: [`MailContext::compose`] adds it to the text.
macro_rules! content {
    ($name:ident, $text:literal, $html:literal, { $($field:ident: $type:ty),+ $(,)? }) => {
        struct $name<'a> { $($field: $type),+ }

        impl $name<'_> {
            fn render(&self, footer: &super::Footer) -> askama::Result<(String, String)> {
                #[derive(askama::Template)]
                #[template(path = $text)]
                struct Text<'a> { $($field: &'a $type),+ }
                #[derive(askama::Template)]
                #[template(path = $html)]
                struct Html<'a> { $($field: &'a $type),+, footer: &'a super::Footer }
                let Self { $($field),+ } = self;
                let text = askama::Template::render(&Text { $($field),+ })?;
                Ok((text, askama::Template::render(&Html { $($field),+, footer })?))
            }
        }
    };
}
pub(super) use content;

content!(Reminder, "reminder.txt", "reminder.html", {
    task: TaskDetails<'a>,
    late_for: Option<String>,
});

content!(Assignment, "assignment.txt", "assignment.html", {
    by: &'a str,
    task: TaskDetails<'a>,
});

/// Who reads a mail about a task, and how they are in its space.
#[derive(Debug, Clone, Copy)]
pub struct TaskReader<'a> {
    /// The recipient.
    pub user: &'a User,
    /// What they may do with the task.
    pub role: Role,
    /// The name of a shared space; a personal one has none.
    pub space: Option<&'a SpaceName>,
}

/// What a mail shows of a task.
struct TaskDetails<'a> {
    title: &'a str,
    description: String,
    due: Option<String>,
    priority: &'static str,
    space: Option<&'a str>,
    /// How much of the checklist is done; none without a checklist.
    progress: Option<String>,
    links: Option<TaskLinks>,
    /// Its page in the app.
    page: String,
}

impl<'a> TaskDetails<'a> {
    fn new(
        context: &MailContext,
        task: &'a Task,
        reader: TaskReader<'a>,
        now: Timestamp,
    ) -> Result<Self, WriteError> {
        let (done, items) =
            (task.checklist.iter().filter(|item| item.done).count(), task.checklist.len());
        Ok(Self {
            title: task.title.as_str(),
            description: normalize_lines(task.description.as_str()).trim_end().to_owned(),
            due: task.due.as_ref().map(|due| due_text(due, reader.user)).transpose()?,
            priority: match task.priority {
                Priority::Low => "Low",
                Priority::Medium => "Medium",
                Priority::High => "High",
                Priority::Urgent => "Urgent",
            },
            space: reader.space.map(SpaceName::as_str),
            progress: (items > 0).then(|| format!("{done} of {items} checklist items done")),
            links: TaskLinks::new(context, task, reader.user, reader.role, now),
            page: context.page(&format!("task/{}", task.id), ""),
        })
    }
}

/// The links that change a task from a mail.
pub(super) struct TaskLinks {
    pub(super) complete: String,
    snooze_hour: String,
    pub(super) snooze_day: String,
}

impl TaskLinks {
    /// Links for a reader who may change the task; none if there is nothing left to do.
    pub(super) fn new(
        context: &MailContext,
        task: &Task,
        user: &User,
        role: Role,
        now: Timestamp,
    ) -> Option<Self> {
        let usable = permits(role, Action::WriteTasks) && task.status != Status::Completed;
        usable.then(|| {
            let until = Some(now + TASK_LINK_LIFETIME);
            let link =
                |link_action| context.action(&context.link_keys.token(user, link_action, until, now));
            Self {
                complete: link(LinkAction::Complete(task.id)),
                snooze_hour: link(LinkAction::Snooze(task.id, LeadTime::hours(1))),
                snooze_day: link(LinkAction::Snooze(task.id, LeadTime::days(1))),
            }
        })
    }
}

/// The mail of a claimed reminder.
///
/// # Errors
/// [`WriteError`].
pub fn reminder_mail(
    context: &MailContext,
    task: &Task,
    reader: TaskReader<'_>,
    claim: Claim,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let user = reader.user;
    let late = now.duration_since(claim.fire_at) > LATE_AFTER;
    let footer = Footer {
        reason: "You received this email because a Taskbell task has a reminder for you.".to_owned(),
        unsubscribe: Some(context.unsubscribe(user, MailKind::Reminders, now)),
    };
    let content = Reminder {
        task: TaskDetails::new(context, task, reader, now)?,
        late_for: late.then(|| in_words(claim.fire_at, user)).transpose()?,
    };
    let (text, html) = content.render(&footer)?;
    let envelope = Envelope {
        tags: MailTags {
            target: TimerTarget::Task(task.id),
            reminder: Some(claim.reminder),
            user: Some(user.id),
        },
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Reminder: {}", shortened(task.title.as_str())),
        id: format!("{}.{}", claim.reminder, claim.fence),
        task: Some(task.id),
        footer,
    };
    context.compose(envelope, &text, html, now)
}

/// The mail that says that a task was assigned to its reader.
pub(crate) fn assignment_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    task: &Task,
    reader: TaskReader<'_>,
    by: &str,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let user = reader.user;
    let footer = Footer {
        reason: format!("You received this email because {by} assigned a Taskbell task to you."),
        unsubscribe: Some(context.unsubscribe(user, MailKind::Assignments, now)),
    };
    let task_details = TaskDetails::new(context, task, reader, now)?;
    let (text, html) = Assignment { by, task: task_details }.render(&footer)?;
    let envelope = Envelope {
        tags: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Assigned to you: {}", shortened(task.title.as_str())),
        id: format!("{notification}.{fence}"),
        task: Some(task.id),
        footer,
    };
    context.compose(envelope, &text, html, now)
}

pub(super) fn notification_to(notification: NotificationId, user: Option<&User>) -> MailTags {
    MailTags {
        target: TimerTarget::Notification(notification),
        reminder: None,
        user: user.map(|user| user.id),
    }
}
