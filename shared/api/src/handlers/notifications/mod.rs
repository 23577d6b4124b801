//! Messages of operators to users.

pub mod create;
pub mod get;

use serde_json::{Value, json};
use taskbell_domain::notice::{Content, Notice};

/// A message and what is known of its delivery; nothing for other notices.
fn view(notice: &Notice) -> Option<Value> {
    let Content::Message { to, by, subject, text } = &notice.content else { return None };
    let delivery = &notice.delivery;
    Some(json!({
        "id": notice.id,
        "user_id": to,
        "sent_by": by,
        "subject": subject,
        "text": text,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "sent_at": delivery.sent_at,
        "reason": delivery.reason,
        "created_at": notice.created_at,
    }))
}
