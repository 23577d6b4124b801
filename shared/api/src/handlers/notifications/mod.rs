//! Messages of operators to users.

pub mod create;
pub mod get;

use jiff::Timestamp;
use serde::Serialize;
use taskbell_domain::{
    id::{NoticeId, UserId},
    notice::{Content, Notice},
    text::{MessageText, Subject},
};

use super::delivery::DeliveryView;

/// A message and what is known of its delivery.
#[derive(Serialize)]
struct View<'a> {
    id: NoticeId,
    user_id: UserId,
    sent_by: UserId,
    subject: &'a Subject,
    text: &'a MessageText,
    #[serde(flatten)]
    delivery: DeliveryView,
    created_at: Timestamp,
}

impl<'a> View<'a> {
    /// Nothing for other notices.
    fn of(notice: &'a Notice) -> Option<Self> {
        let Content::Message { to, by, subject, text } = &notice.content else { return None };
        Some(Self {
            id: notice.id,
            user_id: *to,
            sent_by: *by,
            subject,
            text,
            delivery: (&notice.delivery).into(),
            created_at: notice.created_at,
        })
    }
}
