//! Messages from operators to users.

pub mod create_notification;
pub mod get_notification;

use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    text::{MessageSubject, MessageText},
};

use super::delivery::DeliveryView;

/// A message and its delivery.
#[derive(Serialize)]
struct View<'a> {
    id: NotificationId,
    user_id: UserId,
    sent_by: UserId,
    subject: &'a MessageSubject,
    text: &'a MessageText,
    #[serde(flatten)]
    delivery: DeliveryView,
    created_at: Timestamp,
}

impl<'a> View<'a> {
    /// `None` for other notifications.
    fn of(notification: &'a Notification) -> Option<Self> {
        let NotificationKind::Message { to, by, subject, text } = &notification.kind else {
            return None;
        };
        Some(Self {
            id: notification.id,
            user_id: *to,
            sent_by: *by,
            subject,
            text,
            delivery: (&notification.delivery).into(),
            created_at: notification.created_at,
        })
    }
}
