//! Events of SES about mails, as EventBridge delivers them.
//!
//! Source: "Monitoring Amazon SES events with Amazon EventBridge", Amazon SES developer guide.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use taskbell_domain::{
    delivery::{DeliveryEvent, Feedback},
    ports::MailTags,
    user::SuppressionReason,
};

/// Names of the message tags of a mail.
pub(crate) const TARGET: &str = "taskbell-subject";
pub(crate) const REMINDER: &str = "taskbell-reminder";
pub(crate) const USER: &str = "taskbell-user";

/// An event about one mail.
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
    /// The tags of the mail; `None` if this stack did not send it.
    pub fn tags(&self) -> Option<MailTags> {
        let tag = |name| self.detail.mail.tags.get(name).and_then(|values| values.first());
        Some(MailTags {
            target: tag(TARGET)?.parse().ok()?,
            reminder: tag(REMINDER).and_then(|id| id.parse().ok()),
            user: tag(USER).and_then(|id| id.parse().ok()),
        })
    }

    /// What the event says about the delivery; `None` for events of other kinds.
    pub fn delivery_event(&self) -> Option<DeliveryEvent> {
        let feedback = match self.detail.event_type.as_str() {
            "Send" => None,
            "Delivery" => Some(Feedback::Delivered),
            "Reject" => Some(Feedback::Bounced),
            // Other bounces are temporary, for example a full mailbox or an absence note.
            "Bounce" if self.is_permanent_bounce() => Some(Feedback::Bounced),
            "Complaint" if self.is_complaint() => Some(Feedback::Complained),
            _ => return None,
        };
        let TaggedMail { timestamp, message_id, .. } = &self.detail.mail;
        Some(DeliveryEvent { message_id: message_id.clone(), accepted_at: *timestamp, feedback })
    }

    /// Why no more mail should be sent to the address; `None` if it may.
    pub fn suppression_reason(&self) -> Option<SuppressionReason> {
        match self.detail.event_type.as_str() {
            "Bounce" if self.is_permanent_bounce() => Some(SuppressionReason::Bounced),
            "Complaint" if self.is_complaint() => Some(SuppressionReason::Complained),
            _ => None,
        }
    }

    fn is_permanent_bounce(&self) -> bool {
        self.detail.bounce.as_ref().is_some_and(|bounce| bounce.bounce_type == "Permanent")
    }

    /// Feedback of the type `not-spam` withdraws a complaint.
    fn is_complaint(&self) -> bool {
        let kind = self.detail.complaint.as_ref().and_then(|c| c.complaint_feedback_type.as_deref());
        kind != Some("not-spam")
    }
}
