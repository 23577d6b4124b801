//! What SES tells of mails, as EventBridge hands it to a function.
//!
//! Source: "Monitoring Amazon SES events with Amazon EventBridge", Amazon SES developer guide.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use taskbell_domain::{
    delivery::{DeliveryEvent, Feedback},
    ports::MailTags,
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
    complaint: Option<Complaint>,
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complaint_feedback_type: Option<String>,
}

impl MailEvent {
    /// What the mail was about; nothing if it is none of ours.
    pub fn about(&self) -> Option<MailTags> {
        let tag = |name| self.detail.mail.tags.get(name).and_then(|values| values.first());
        Some(MailTags {
            subject: tag(SUBJECT)?.parse().ok()?,
            reminder: tag(REMINDER).and_then(|id| id.parse().ok()),
            user: tag(USER).and_then(|id| id.parse().ok()),
        })
    }

    /// What it tells of the mail; nothing if it is no news of its delivery.
    pub fn news(&self) -> Option<DeliveryEvent> {
        let feedback = match self.detail.event_type.as_str() {
            "Send" => None,
            "Delivery" => Some(Feedback::Delivered),
            "Reject" => Some(Feedback::Bounced),
            // Others are of the moment: a full mailbox, somebody who is away.
            "Bounce" if self.bounced_for_good() => Some(Feedback::Bounced),
            "Complaint" if self.is_unwanted() => Some(Feedback::Complained),
            _ => return None,
        };
        let TaggedMail { timestamp, message_id, .. } = &self.detail.mail;
        Some(DeliveryEvent { message_id: message_id.clone(), accepted_at: *timestamp, feedback })
    }

    /// Why no mail should go to the address any more; nothing if it may.
    pub fn suppression_reason(&self) -> Option<StopReason> {
        match self.detail.event_type.as_str() {
            "Bounce" if self.bounced_for_good() => Some(StopReason::Bounced),
            "Complaint" if self.is_unwanted() => Some(StopReason::Complained),
            _ => None,
        }
    }

    fn bounced_for_good(&self) -> bool {
        self.detail.bounce.as_ref().is_some_and(|bounce| bounce.bounce_type == "Permanent")
    }

    /// `not-spam` takes a complaint back.
    fn is_unwanted(&self) -> bool {
        let kind = self.detail.complaint.as_ref().and_then(|c| c.complaint_feedback_type.as_deref());
        kind != Some("not-spam")
    }
}
