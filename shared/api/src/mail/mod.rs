//! The mails, from compiled templates: `templates/<mail>.{txt,html}`.

use askama::Template;
use jiff::{Timestamp, fmt::strtime};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, raw::Raw, url::URL},
};
use taskbell_domain::{
    due::Due,
    email::EmailAddress,
    ports::Mail,
    task::Task,
    timer::{Claim, LATE_AFTER},
    user::User,
};

use crate::handlers::me::unsubscribe::link_token;

/// What all mails have in common.
#[derive(Clone)]
pub struct MailContext {
    /// The address they come from.
    pub sender: EmailAddress,
    /// The base of the API, for links.
    pub api_url: String,
}

/// Why a mail could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A template failed.
    #[error("template: {0}")]
    Template(#[from] askama::Error),
    /// A moment could not be written in the user's zone.
    #[error("time: {0}")]
    Time(#[from] jiff::Error),
    /// The message could not be put together.
    #[error("message: {0}")]
    Message(#[from] std::io::Error),
}

/// The longest part of a title that stands in a subject, in characters.
const SUBJECT_TITLE: usize = 120;

#[derive(Template)]
#[template(path = "reminder.txt")]
struct ReminderText<'a>(&'a Content<'a>);

#[derive(Template)]
#[template(path = "reminder.html")]
struct ReminderHtml<'a>(&'a Content<'a>);

struct Content<'a> {
    name: &'a str,
    title: &'a str,
    description: &'a str,
    due: Option<String>,
    late_for: Option<String>,
}

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
    let content = Content {
        name: user.name.as_str(),
        title: task.title.as_str(),
        description: task.description.as_str(),
        due: task.due.as_ref().map(|due| due_text(due, user)).transpose()?,
        late_for: late.then(|| moment(claim.fire_at, user)).transpose()?,
    };
    let (text, html) = (ReminderText(&content).render()?, ReminderHtml(&content).render()?);

    let (_, domain) = context.sender.as_str().rsplit_once('@').unwrap_or(("", "invalid"));
    let thread = format!("{}@{domain}", task.id);
    let unsubscribe = format!("{}/v1/unsubscribe/{}", context.api_url, link_token(user));
    let message = MessageBuilder::new()
        .from(Address::new_address(Some("Taskbell"), context.sender.as_str()))
        .to(Address::new_address(Some(user.name.as_str()), user.email.as_str()))
        .subject(format!("Reminder: {}", shortened(task.title.as_str())))
        .date(now.as_second())
        .message_id(format!("{}.{}@{domain}", claim.reminder, claim.fence))
        .in_reply_to(thread.clone())
        .references(thread)
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("List-Unsubscribe", URL::new(unsubscribe))
        .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"))
        .text_body(text)
        .html_body(html)
        .write_to_vec()?;
    Ok(Mail { to: user.email.clone(), message })
}

fn shortened(title: &str) -> String {
    match title.char_indices().nth(SUBJECT_TITLE) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title.to_owned(),
    }
}

/// When a task is due, for its reader: a day stays a day, all else is a moment in their zone.
fn due_text(due: &Due, user: &User) -> Result<String, jiff::Error> {
    match due {
        Due::Date(date) => strtime::format("%A, %-d %B %Y", *date),
        timed => moment(timed.at(&user.time_zone), user),
    }
}

fn moment(at: Timestamp, user: &User) -> Result<String, jiff::Error> {
    let local = at.to_zoned(user.time_zone.rules().clone());
    Ok(format!("{} ({})", strtime::format("%A, %-d %B %Y, %H:%M", &local)?, user.time_zone))
}

#[cfg(test)]
mod tests;
