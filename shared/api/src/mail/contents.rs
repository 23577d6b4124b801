//! What each kind of mail says.

use askama::Template;
use jiff::{Timestamp, civil::Date, fmt::strtime};
use taskbell_domain::{
    delivery::LATE_AFTER,
    due::Due,
    id::NotificationId,
    invitation::{Invitation, InvitationToken},
    one_time_code::{Code, Purpose},
    policy::{Action, permits},
    ports::{Mail, MailTags},
    reminder::LeadTime,
    space::{Role, Space},
    task::{Claim, Task},
    timer::TimerTarget,
    user::{MailKind, User},
};

use super::{Envelope, MailContext, Unsubscribe, WriteError, day_text, due_text, in_words, shortened};
use crate::links::{LinkAction, TASK_LINK_LIFETIME, VERIFICATION_LIFETIME};

/// Declares what a mail says, and the two templates that say it, in text and in HTML.
macro_rules! content {
    ($name:ident, $text:literal, $html:literal, { $($field:ident: $type:ty),+ $(,)? }) => {
        struct $name<'a> { $($field: $type),+ }

        impl $name<'_> {
            fn render(&self) -> askama::Result<(String, String)> {
                #[derive(Template)]
                #[template(path = $text)]
                struct Text<'a> { $($field: &'a $type),+ }
                #[derive(Template)]
                #[template(path = $html)]
                struct Html<'a> { $($field: &'a $type),+ }
                let Self { $($field),+ } = self;
                Ok((Text { $($field),+ }.render()?, Html { $($field),+ }.render()?))
            }
        }
    };
}

content!(Reminder, "reminder.txt", "reminder.html", {
    name: &'a str,
    title: &'a str,
    description: &'a str,
    due: Option<String>,
    late_for: Option<String>,
    links: Option<TaskLinks>,
});

content!(Assignment, "assignment.txt", "assignment.html", {
    name: &'a str,
    by: &'a str,
    title: &'a str,
    description: &'a str,
    due: Option<String>,
});

content!(Invited, "invitation.txt", "invitation.html", {
    by: &'a str,
    space: &'a str,
    role: &'a str,
    token: String,
    until: String,
});

content!(Message, "message.txt", "message.html", {
    name: &'a str,
    by: &'a str,
    subject: &'a str,
    text: &'a str,
});

content!(CodeToUse, "code.txt", "code.html", {
    name: &'a str,
    what: &'static str,
    why: &'static str,
    code: String,
    within: &'static str,
});

content!(Verification, "verification.txt", "verification.html", {
    link: &'a str,
    token: &'a str,
});

content!(Digest, "digest.txt", "digest.html", {
    name: &'a str,
    today: String,
    sections: Vec<Section<'a>>,
    zone: String,
});

/// What is due, as a digest tells it, each by due time.
#[derive(Debug, Default)]
pub(crate) struct DueTasks {
    /// Due before now; all-day tasks, before today.
    pub overdue: Vec<Task>,
    /// Due in the rest of today.
    pub today: Vec<Task>,
    /// Due in the days after.
    pub week: Vec<Task>,
}

impl DueTasks {
    /// How many tasks of a kind are told at most.
    pub(crate) const MOST: u8 = 20;

    /// How many days are looked ahead, behind today.
    pub(crate) const DAYS: i64 = 7;

    /// Sorts tasks that are due. A day is a day wherever the reader is, although its task keeps the instants of the zone
    /// in which it was saved.
    pub(crate) fn of(mut tasks: Vec<Task>, user: &User, now: Timestamp) -> Self {
        tasks.sort_by_key(|task| (task.due_at, task.id));
        tasks.dedup_by_key(|task| task.id);
        let today = user.local_date(now);
        let mut due = Self::default();
        for task in tasks {
            let at = task.due_at.unwrap_or(Timestamp::MAX);
            let (day, over) = match task.due {
                Some(Due::Date(day)) => (day, day < today),
                _ => (user.local_date(at), at < now),
            };
            match day {
                _ if over => due.overdue.push(task),
                day if day == today => due.today.push(task),
                _ => due.week.push(task),
            }
        }
        due
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.overdue.is_empty() && self.today.is_empty() && self.week.is_empty()
    }
}

/// The part of a digest that tells of tasks of one kind.
struct Section<'a> {
    heading: &'static str,
    /// Title, and when it is due.
    tasks: Vec<(&'a str, String)>,
    /// Whether there are more than are told.
    more: bool,
}

impl<'a> Section<'a> {
    fn of(
        heading: &'static str,
        tasks: &'a [Task],
        (user, today): (&User, Date),
    ) -> Result<Self, WriteError> {
        let most = usize::from(DueTasks::MOST);
        let told = tasks.iter().take(most).map(|task| {
            let due = task.due.as_ref().map(|due| day_text(due, user, today)).transpose()?;
            Ok::<_, WriteError>((task.title.as_str(), due.unwrap_or_default()))
        });
        Ok(Self { heading, tasks: told.collect::<Result<_, _>>()?, more: tasks.len() > most })
    }

    /// How many there are, as far as is known.
    fn count(&self) -> String {
        format!("{}{}", self.tasks.len(), if self.more { "+" } else { "" })
    }
}

/// Where the links of a reminder lead_time.
struct TaskLinks {
    complete: String,
    snooze_hour: String,
    snooze_day: String,
}

/// The mail of a claimed reminder. Its links to change the task are there for readers who may.
///
/// # Errors
/// [`WriteError`].
pub fn reminder_mail(
    context: &MailContext,
    task: &Task,
    (user, role): (&User, Role),
    claim: Claim,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let links = permits(role, Action::WriteTasks).then(|| {
        let until = Some(now + TASK_LINK_LIFETIME);
        let link =
            |link_action| context.action(&context.link_keys.token(user, link_action, until, now));
        TaskLinks {
            complete: link(LinkAction::Complete(task.id)),
            snooze_hour: link(LinkAction::Snooze(task.id, LeadTime::hours(1))),
            snooze_day: link(LinkAction::Snooze(task.id, LeadTime::days(1))),
        }
    });
    let late = now.duration_since(claim.fire_at) > LATE_AFTER;
    let content = Reminder {
        name: user.name.as_str(),
        title: task.title.as_str(),
        description: task.description.as_str(),
        due: task.due.as_ref().map(|due| due_text(due, user)).transpose()?,
        late_for: late.then(|| in_words(claim.fire_at, user)).transpose()?,
        links,
    };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        about: MailTags {
            subject: TimerTarget::Task(task.id),
            reminder: Some(claim.reminder),
            user: Some(user.id),
        },
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Reminder: {}", shortened(task.title.as_str())),
        id: format!("{}.{}", claim.reminder, claim.fence),
        task: Some(task),
        unsubscribe: Some(Unsubscribe::Of(user, MailKind::Reminders)),
    };
    context.compose(envelope, text, html, now)
}

/// The news that a task has been assigned.
pub(crate) fn assignment_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    task: &Task,
    user: &User,
    by: &str,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let content = Assignment {
        name: user.name.as_str(),
        by,
        title: task.title.as_str(),
        description: task.description.as_str(),
        due: task.due.as_ref().map(|due| due_text(due, user)).transpose()?,
    };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        about: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Assigned to you: {}", shortened(task.title.as_str())),
        id: format!("{notification}.{fence}"),
        task: Some(task),
        unsubscribe: Some(Unsubscribe::Of(user, MailKind::Assignments)),
    };
    context.compose(envelope, text, html, now)
}

/// An invitation, with the secret that nothing else knows, to a user or to somebody who has no account.
pub(crate) fn invitation_mail(
    context: &MailContext,
    fence: u64,
    (invitation, token): (&Invitation, &InvitationToken),
    user: Option<&User>,
    space: &Space,
    by: &str,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let content = Invited {
        by,
        space: space.name.as_str(),
        role: invitation.role.as_str(),
        token: token.to_text(),
        until: strtime::format(
            "%A, %-d %B %Y, %H:%M UTC",
            &invitation.expires_at.to_zoned(jiff::tz::TimeZone::UTC),
        )?,
    };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        about: notification_to(invitation.notification, user),
        to: (&invitation.email, None),
        subject: format!("{} invites you into {}", shortened(by), shortened(space.name.as_str())),
        id: format!("{}.{fence}", invitation.notification),
        task: None,
        unsubscribe: Some(
            user.map_or(Unsubscribe::Stranger, |user| Unsubscribe::Of(user, MailKind::Invitations)),
        ),
    };
    context.compose(envelope, text, html, now)
}

/// What an operator writes to a user.
pub(crate) fn message_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    user: &User,
    by: &str,
    (subject, text): (&str, &str),
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (text, html) = Message { name: user.name.as_str(), by, subject, text }.render()?;
    let envelope = Envelope {
        about: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: subject.to_owned(),
        id: format!("{notification}.{fence}"),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}

/// What is due for a user.
pub(crate) fn digest_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    due: &DueTasks,
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let today = user.local_date(now);
    let sections = [
        Section::of("Overdue", &due.overdue, (user, today))?,
        Section::of("Due today", &due.today, (user, today))?,
        Section::of("In the next seven days", &due.week, (user, today))?,
    ];
    let counts = sections.each_ref().map(Section::count);
    let told = ["overdue", "due today", "in the next seven days"].iter().zip(&counts);
    let told: Vec<_> =
        told.filter(|(_, count)| *count != "0").map(|(what, n)| format!("{n} {what}")).collect();
    let content = Digest {
        name: user.name.as_str(),
        today: strtime::format("%A, %-d %B %Y", today)?,
        zone: user.time_zone.to_string(),
        sections: sections.into_iter().filter(|section| !section.tasks.is_empty()).collect(),
    };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        about: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("{}: {}", strtime::format("%A, %-d %B", today)?, told.join(", ")),
        id: format!("{notification}.{fence}"),
        task: None,
        unsubscribe: Some(Unsubscribe::Of(user, MailKind::Digest)),
    };
    context.compose(envelope, text, html, now)
}

/// A code that works once.
pub(crate) fn code_mail(
    context: &MailContext,
    fence: u64,
    (code, purpose): (&Code, Purpose),
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (subject, what, why, within) = match purpose {
        Purpose::Operator => (
            "Your operator code for Taskbell",
            "Your operator code",
            "With this code your account becomes an operator of this Taskbell:",
            "a day",
        ),
        Purpose::PasswordReset => (
            "Your new password for Taskbell",
            "Set a new password",
            "With this code you can set a new password for your account. All its sessions end then.",
            "an hour",
        ),
    };
    let (name, text) = (user.name.as_str(), code.to_text());
    let (text, html) = CodeToUse { name, what, why, code: text, within }.render()?;
    let envelope = Envelope {
        about: notification_to(code.notification, Some(user)),
        to: (&user.email, Some(name)),
        subject: subject.to_owned(),
        id: format!("{}.{fence}", code.notification),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}

/// The link by which a user proves the address of the account. Nothing that somebody has typed stands in it: the
/// address may be that of another person.
pub(crate) fn verification_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let until = now + VERIFICATION_LIFETIME;
    let token = context.link_keys.token(user, LinkAction::VerifyEmail, Some(until), now);
    let link = context.action(&token);
    let content = Verification { link: &link, token: &token };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        about: notification_to(notification, Some(user)),
        to: (&user.email, None),
        subject: "Is this your address? Taskbell asks".to_owned(),
        id: format!("{notification}.{fence}"),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}

fn notification_to(notification: NotificationId, user: Option<&User>) -> MailTags {
    MailTags {
        subject: TimerTarget::Notification(notification),
        reminder: None,
        user: user.map(|user| user.id),
    }
}
