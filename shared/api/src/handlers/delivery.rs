//! The delivery of a mail in responses.

use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::delivery::{Delivery, DeliveryStatus, Feedback, Reason};

/// A delivery in a response.
#[derive(Serialize)]
pub(crate) struct DeliveryView {
    status: DeliveryStatus,
    attempts: u32,
    uncertain_attempts: u32,
    sent_at: Option<Timestamp>,
    reason: Option<Reason>,
    feedback: Option<Feedback>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        Self {
            status: delivery.status,
            attempts: delivery.attempts,
            uncertain_attempts: delivery.uncertain_attempts,
            sent_at: delivery.sent_at,
            reason: delivery.reason,
            feedback: delivery.feedback,
        }
    }
}
