//! What each kind of mail says.

use askama::Template;
use jiff::{Timestamp, fmt::strtime};
use taskbell_domain::{
    delivery::LATE_AFTER,
    id::NoticeId,
    notice::Code,
    ports::Mail,
    space::{Invitation, InvitationToken, Space},
    task::Task,
    timer::Claim,
    user::User,
};

use super::{Envelope, MailContext, WriteError, due_text, moment, shortened};
use crate::handlers::me::unsubscribe::MailKind;

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

content!(OperatorCode, "operator_code.txt", "operator_code.html", {
    name: &'a str,
    code: String,
});

/// The mail of a claimed reminder.
///
/// # Errors
/// [`WriteError`].
pub fn reminder_mail(
    context: &MailContext,
    task: &Task,
    user: &User,
    claim: Claim,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let late = now.duration_since(claim.fire_at) > LATE_AFTER;
    let content = Reminder {
        name: user.name.as_str(),
        title: task.title.as_str(),
        description: task.description.as_str(),
        due: task.due.as_ref().map(|due| due_text(due, user)).transpose()?,
        late_for: late.then(|| moment(claim.fire_at, user)).transpose()?,
    };
    let (text, html) = content.render()?;
    let envelope = Envelope {
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Reminder: {}", shortened(task.title.as_str())),
        id: format!("{}.{}", claim.reminder, claim.fence),
        task: Some(task),
        unsubscribe: Some((user, MailKind::Reminders)),
    };
    context.compose(envelope, text, html, now)
}

/// The news that a task has been assigned.
pub(crate) fn assignment_mail(
    context: &MailContext,
    (notice, fence): (NoticeId, u64),
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
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("Assigned to you: {}", shortened(task.title.as_str())),
        id: format!("{notice}.{fence}"),
        task: Some(task),
        unsubscribe: Some((user, MailKind::Assignments)),
    };
    context.compose(envelope, text, html, now)
}

/// An invitation, with the secret that nothing else knows.
pub(crate) fn invitation_mail(
    context: &MailContext,
    fence: u64,
    invitation: &Invitation,
    token: &InvitationToken,
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
        to: (&invitation.email, None),
        subject: format!("{} invites you into {}", shortened(by), shortened(space.name.as_str())),
        id: format!("{}.{fence}", invitation.notice),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}

/// What an operator writes to a user.
pub(crate) fn message_mail(
    context: &MailContext,
    (notice, fence): (NoticeId, u64),
    user: &User,
    by: &str,
    (subject, text): (&str, &str),
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (text, html) = Message { name: user.name.as_str(), by, subject, text }.render()?;
    let envelope = Envelope {
        to: (&user.email, Some(user.name.as_str())),
        subject: subject.to_owned(),
        id: format!("{notice}.{fence}"),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}

/// The code that makes somebody an operator.
pub(crate) fn operator_code_mail(
    context: &MailContext,
    fence: u64,
    code: &Code,
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (text, html) = OperatorCode { name: user.name.as_str(), code: code.to_text() }.render()?;
    let envelope = Envelope {
        to: (&user.email, Some(user.name.as_str())),
        subject: "Your operator code for Taskbell".to_owned(),
        id: format!("{}.{fence}", code.notice),
        task: None,
        unsubscribe: None,
    };
    context.compose(envelope, text, html, now)
}
