//! What SES tells of mails, as EventBridge hands it to a function.
//!
//! Source: "Monitoring Amazon SES events with Amazon EventBridge", Amazon SES developer guide.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use taskbell_domain::{
    delivery::{Feedback, News},
    ports::About,
    user::StopReason,
};

/// The names of the tags that a mail carries.
pub(crate) const SUBJECT: &str = "taskbell-subject";
pub(crate) const REMINDER: &str = "taskbell-reminder";
pub(crate) const USER: &str = "taskbell-user";

/// One event.
#[derive(Deserialize)]
pub struct MailEvent {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_type: String,
    mail: TaggedMail,
    bounce: Option<Bounce>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaggedMail {
    timestamp: Timestamp,
    message_id: String,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
}

impl MailEvent {
    /// What the mail was about; nothing if it is none of ours.
    pub fn about(&self) -> Option<About> {
        let tag = |name| self.detail.mail.tags.get(name).and_then(|values| values.first());
        Some(About {
            subject: tag(SUBJECT)?.parse().ok()?,
            reminder: tag(REMINDER).and_then(|id| id.parse().ok()),
            user: tag(USER).and_then(|id| id.parse().ok()),
        })
    }

    /// What it tells of the mail; nothing if it is no news of its delivery.
    pub fn news(&self) -> Option<News> {
        let feedback = match self.detail.event_type.as_str() {
            "Send" => None,
            "Delivery" => Some(Feedback::Delivered),
            "Bounce" | "Reject" => Some(Feedback::Bounced),
            "Complaint" => Some(Feedback::Complained),
            _ => return None,
        };
        let TaggedMail { timestamp, message_id, .. } = &self.detail.mail;
        Some(News { message_id: message_id.clone(), accepted_at: *timestamp, feedback })
    }

    /// Why no mail should go to the address any more; nothing if it may.
    pub fn stops(&self) -> Option<StopReason> {
        let for_good = self.detail.bounce.as_ref().is_some_and(|b| b.bounce_type == "Permanent");
        match self.detail.event_type.as_str() {
            "Bounce" if for_good => Some(StopReason::Bounced),
            "Complaint" => Some(StopReason::Complained),
            _ => None,
        }
    }
}
