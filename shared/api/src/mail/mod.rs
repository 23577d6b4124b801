//! The mails, from compiled templates: `templates/<mail>.{txt,html}`.

mod contents;
mod encoded_word;

use jiff::{Timestamp, civil::Date, fmt::strtime};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, raw::Raw, url::URL},
};
use taskbell_domain::{
    due::Due,
    email::EmailAddress,
    ports::{Mail, MailTags},
    task::Task,
    user::{MailKind, User},
};

pub use contents::reminder_mail;
pub(crate) use contents::{
    DueTasks, assignment_mail, code_mail, digest_mail, invitation_mail, message_mail, verification_mail,
};

use crate::links::{LinkAction, LinkKeys};

/// What all mails have in common.
#[derive(Clone)]
pub struct MailContext {
    /// The address they come from.
    pub sender: EmailAddress,
    /// The base of the API, for links.
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
    /// A moment could not be written in the user's zone.
    #[error("time: {0}")]
    Time(#[from] jiff::Error),
    /// The message could not be put together.
    #[error("message: {0}")]
    Message(#[from] std::io::Error),
}

/// The longest part of a title that stands in a subject, in characters.
const SUBJECT_TITLE: usize = 120;

/// Whose mails of which kind an unsubscribe link ends.
enum Unsubscribe<'a> {
    /// Of a user.
    Of(&'a User, MailKind),
    /// All to an address that is nobody's account.
    Stranger,
}

/// What a mail has besides its content.
struct Envelope<'a> {
    about: MailTags,
    /// Where it goes, and the name that stands before the address.
    to: (&'a EmailAddress, Option<&'a str>),
    subject: String,
    /// Its own name, without the domain.
    id: String,
    /// The task whose thread it is in.
    task: Option<&'a Task>,
    /// What its unsubscribe link ends; account mail has none.
    unsubscribe: Option<Unsubscribe<'a>>,
}

impl MailContext {
    fn compose(
        &self,
        envelope: Envelope<'_>,
        text: String,
        html: String,
        now: Timestamp,
    ) -> Result<Mail, WriteError> {
        let (_, domain) = self.sender.as_str().rsplit_once('@').unwrap_or(("", "invalid"));
        let (address, name) = envelope.to;
        let message =
            MessageBuilder::new().from(Address::new_address(Some("Taskbell"), self.sender.as_str()));
        // The builder encodes what is not ASCII, but leaves what looks encoded already as it is.
        let message = match name.filter(|name| encoded_word::looks_encoded(name)) {
            Some(name) => {
                let to = format!("{} <{}>", encoded_word::encode(name), address.as_str());
                message.header("To", Raw::new(to))
            }
            None => message.to(Address::new_address(name, address.as_str())),
        };
        let message = match encoded_word::looks_encoded(&envelope.subject) {
            true => message.header("Subject", Raw::new(encoded_word::encode(&envelope.subject))),
            false => message.subject(envelope.subject),
        };
        let mut message = message
            .date(now.as_second())
            .message_id(format!("{}@{domain}", envelope.id))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Raw::new("All"));
        if let Some(task) = envelope.task {
            let thread = format!("{}@{domain}", task.id);
            message = message.in_reply_to(thread.clone()).references(thread);
        }
        if let Some(unsubscribe) = envelope.unsubscribe {
            let (list, token) = match unsubscribe {
                Unsubscribe::Of(user, kind) => {
                    (kind, self.link_keys.token(user, LinkAction::Unsubscribe(kind), None, now))
                }
                Unsubscribe::Stranger => {
                    (MailKind::Invitations, self.link_keys.opt_out_token(&address.hash(), now))
                }
            };
            let link = format!("{}/v1/unsubscribe/{token}", self.api_url);
            // RFC 2919: a name and an identifier that stays the same for all mails of the kind.
            let list = format!("Taskbell {} <{}.taskbell.{domain}>", list.as_str(), list.as_str());
            message = message
                .header("List-Id", Raw::new(list))
                .header("List-Unsubscribe", URL::new(link))
                .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        let message = message.text_body(text).html_body(html).write_to_vec()?;
        Ok(Mail { about: envelope.about, to: address.clone(), message })
    }

    /// The page of a link with this token.
    fn action(&self, token: &str) -> String {
        format!("{}/v1/actions/{token}", self.api_url)
    }
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
        timed => in_words(timed.at(&user.time_zone), user),
    }
}

/// When a task is due, in short, for a reader who knows the zone, and which day it is today.
fn day_text(due: &Due, user: &User, today: Date) -> Result<String, jiff::Error> {
    let local = due.at(&user.time_zone).to_zoned(user.time_zone.rules().clone());
    let day = match local.date() {
        day if day == today => "today".to_owned(),
        day if day.year() == today.year() => strtime::format("%a, %-d %B", day)?,
        day => strtime::format("%a, %-d %B %Y", day)?,
    };
    Ok(match due {
        Due::Date(_) => day,
        _ => format!("{day}, {}", strtime::format("%H:%M", &local)?),
    })
}

/// A moment, in the reader's zone.
pub(crate) fn in_words(at: Timestamp, user: &User) -> Result<String, jiff::Error> {
    let local = at.to_zoned(user.time_zone.rules().clone());
    Ok(format!("{} ({})", strtime::format("%A, %-d %B %Y, %H:%M", &local)?, user.time_zone))
}

#[cfg(test)]
mod tests;
