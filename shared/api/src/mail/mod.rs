//! The mails, from compiled templates: `templates/<mail>.{txt,html}`.

mod accounts;
mod contents;
mod digest;
mod encoded_word;
mod invitations;
mod plain_text;
mod sender;

use jiff::{SignedDuration, Timestamp, civil::Date, fmt::strtime, tz::TimeZone};
use mail_builder::{
    MessageBuilder,
    headers::{raw::Raw, url::URL},
};
use taskbell_domain::{
    due::Due,
    email::EmailAddress,
    id::TaskId,
    ports::{Mail, MailTags},
    user::{MailKind, User},
};

pub(crate) use accounts::{account_mail, code_mail, message_mail, verification_mail};
pub(crate) use contents::assignment_mail;
pub use contents::{TaskReader, reminder_mail};
pub(crate) use digest::{DueTasks, digest_mail};
pub(crate) use invitations::{invitation_mail, registration_mail};
pub use sender::{Sender, SenderName};

use crate::links::{LinkAction, LinkKeys};

/// What all mails have in common.
#[derive(Clone)]
pub struct MailContext {
    /// Who they come from.
    pub sender: Sender,
    /// The base of the API and of the app, for links.
    pub api_url: String,
    /// What links are signed with.
    pub link_keys: LinkKeys,
}

/// Why a mail could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A template failed.
    #[error("template: {0}")]
    Template(#[from] askama::Error),
    /// A time could not be written in the user's zone.
    #[error("time: {0}")]
    Time(#[from] jiff::Error),
    /// The message could not be put together.
    #[error("message: {0}")]
    Message(#[from] std::io::Error),
}

/// The longest part of a title in a subject, in characters.
const SUBJECT_TITLE: usize = 120;

/// The link by which the recipient of a mail ends mails of its kind. GET shows a page that asks, POST does it (RFC 8058);
/// so the header and the footer have the same link.
struct Unsubscribe {
    kind: MailKind,
    link: String,
}

impl Unsubscribe {
    fn label(&self) -> String {
        format!("Unsubscribe from {}", kind_name(self.kind))
    }
}

/// The end of a mail: why its recipient gets it and, but for account mail, how to get no more of its kind.
struct Footer {
    reason: String,
    unsubscribe: Option<Unsubscribe>,
}

impl Footer {
    fn to_text(&self) -> String {
        match &self.unsubscribe {
            Some(unsubscribe) => {
                format!("{}\n{}: {}", self.reason, unsubscribe.label(), unsubscribe.link)
            }
            None => self.reason.clone(),
        }
    }
}

/// What a mail has besides its content.
struct Envelope<'a> {
    tags: MailTags,
    /// Where it goes, and the name before the address.
    to: (&'a EmailAddress, Option<&'a str>),
    subject: String,
    /// Its own name, without the domain.
    id: String,
    /// The task whose thread it is in.
    task: Option<TaskId>,
    footer: Footer,
}

impl MailContext {
    /// The URL of a page of the app. Page and query are in the fragment: browsers send it to no server, so no log has the codes
    /// in it.
    fn page(&self, page: &str, query: &str) -> String {
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}/#/{page}{separator}{query}", self.api_url)
    }

    /// Puts a mail together from its parts; the footer of the text is added here, that of the HTML is in it.
    fn compose(
        &self,
        envelope: Envelope<'_>,
        text: &str,
        html: String,
        now: Timestamp,
    ) -> Result<Mail, WriteError> {
        let Envelope { tags, to: (address, name), subject, id, task, footer } = envelope;
        let sender = &self.sender;
        let (_, domain) = sender.address.as_str().rsplit_once('@').unwrap_or(("", "invalid"));
        let mut message = MessageBuilder::new()
            .header("From", sender::mailbox(Some(sender.name.as_str()), &sender.address))
            .header("To", sender::mailbox(name, address));
        if let Some(reply_to) = &sender.reply_to {
            message = message.header("Reply-To", sender::mailbox(None, reply_to));
        }
        let message = match encoded_word::looks_encoded(&subject) {
            true => message.header("Subject", Raw::new(encoded_word::encode(&subject))),
            false => message.subject(subject),
        };
        let mut message = message
            .date(now.as_second())
            .message_id(format!("{id}@{domain}"))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Raw::new("All"));
        if let Some(task) = task {
            let thread = format!("{task}@{domain}");
            message = message.in_reply_to(thread.clone()).references(thread);
        }
        if let Some(Unsubscribe { kind, link }) = &footer.unsubscribe {
            // RFC 2919: a name and an identifier that stays the same for all mails of the kind.
            let list = format!("Taskbell {0} <{0}.taskbell.{domain}>", kind.as_str());
            message = message
                .header("List-Id", Raw::new(list))
                .header("List-Unsubscribe", URL::new(link.clone()))
                .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        let text = plain_text::with_footer(text, &footer.to_text());
        let message = message.text_body(text).html_body(html).write_to_vec()?;
        Ok(Mail { tags, to: address.clone(), message })
    }

    /// The link by which a user ends mails of a kind.
    fn unsubscribe(&self, user: &User, kind: MailKind, now: Timestamp) -> Unsubscribe {
        let token = self.link_keys.token(user, LinkAction::Unsubscribe(kind), None, now);
        Unsubscribe { kind, link: self.unsubscribe_link(&token) }
    }

    /// The link that stops invitations to an address without an account.
    fn opt_out(&self, address: &EmailAddress, now: Timestamp) -> Unsubscribe {
        let token = self.link_keys.opt_out_token(&address.hash(), now);
        Unsubscribe { kind: MailKind::Invitations, link: self.unsubscribe_link(&token) }
    }

    fn unsubscribe_link(&self, token: &str) -> String {
        format!("{}/v1/unsubscribe/{token}", self.api_url)
    }

    /// The page of a link with this token.
    fn action(&self, token: &str) -> String {
        format!("{}/v1/actions/{token}", self.api_url)
    }
}

/// What mails of a kind are called, within a sentence.
pub(crate) fn kind_name(kind: MailKind) -> &'static str {
    match kind {
        MailKind::Reminders => "reminder emails",
        MailKind::Digest => "daily digest emails",
        MailKind::Assignments => "assignment emails",
        MailKind::Invitations => "invitation emails",
    }
}

fn shortened(title: &str) -> String {
    match title.char_indices().nth(SUBJECT_TITLE) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title.to_owned(),
    }
}

/// When a task is due, for its reader: a date without a time, or a time in the reader's time zone.
fn due_text(due: &Due, user: &User) -> Result<String, jiff::Error> {
    match due {
        Due::Date(date) => strtime::format("%A, %-d %B %Y", *date),
        timed => in_words(timed.at(&user.time_zone), user),
    }
}

/// When a task is due, in short, for a reader who knows the zone, and which day it is today.
fn day_text(due: &Due, user: &User, today: Date) -> Result<String, jiff::Error> {
    let local = due.at(&user.time_zone).to_zoned(user.time_zone.rules().clone());
    let day = match local.date() {
        day if day == today => "Today".to_owned(),
        day if day.year() == today.year() => strtime::format("%a, %-d %B", day)?,
        day => strtime::format("%a, %-d %B %Y", day)?,
    };
    Ok(match due {
        Due::Date(_) => day,
        _ => format!("{day}, {}", strtime::format("%H:%M", &local)?),
    })
}

/// A time, in the reader's time zone.
pub(crate) fn in_words(at: Timestamp, user: &User) -> Result<String, jiff::Error> {
    Ok(format!("{} ({})", wall_time(at, user.time_zone.rules().clone())?, user.time_zone))
}

/// A time in UTC, for a reader whose time zone is not known.
fn in_utc(at: Timestamp) -> Result<String, jiff::Error> {
    Ok(format!("{} UTC", wall_time(at, TimeZone::UTC)?))
}

fn wall_time(at: Timestamp, zone: TimeZone) -> Result<String, jiff::Error> {
    strtime::format("%A, %-d %B %Y, %H:%M", &at.to_zoned(zone))
}

/// A lifetime of whole hours.
fn hours(lifetime: SignedDuration) -> String {
    match lifetime.as_hours() {
        1 => "1 hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}

#[cfg(test)]
mod tests;
