//! Notifications.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    email::EmailAddress,
    id::{NotificationId, SpaceId, TaskId, UserId},
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    text::{MessageSubject, MessageText},
    unknown::Unknown,
};

use super::{
    InvalidAttribute,
    account_event::AccountEventItem,
    delivery::{DeliveryItem, TimerKeys},
    unknown,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum KindItem {
    Assignment {
        to: UserId,
        task: TaskId,
        by: UserId,
    },
    Invitation {
        to: String,
        space: SpaceId,
    },
    RegistrationInvitation {
        to: String,
        by: UserId,
    },
    Message {
        to: UserId,
        by: UserId,
        subject: String,
        text: String,
    },
    Verification {
        to: UserId,
    },
    Digest {
        to: UserId,
        day: Date,
    },
    Code {
        to: UserId,
        purpose: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        secret_hash: Option<String>,
    },
    Account {
        to: UserId,
        event: AccountEventItem,
    },
}

impl From<&NotificationKind> for KindItem {
    fn from(kind: &NotificationKind) -> Self {
        match kind {
            NotificationKind::Assignment { to, task, by } => {
                Self::Assignment { to: *to, task: *task, by: *by }
            }
            NotificationKind::Invitation { to, space } => {
                Self::Invitation { to: to.as_str().to_owned(), space: *space }
            }
            NotificationKind::RegistrationInvitation { to, by } => {
                Self::RegistrationInvitation { to: to.as_str().to_owned(), by: *by }
            }
            NotificationKind::Message { to, by, subject, text } => Self::Message {
                to: *to,
                by: *by,
                subject: subject.as_str().to_owned(),
                text: text.as_str().to_owned(),
            },
            NotificationKind::Verification { to } => Self::Verification { to: *to },
            NotificationKind::Digest { to, day } => Self::Digest { to: *to, day: *day },
            NotificationKind::Code { to, purpose, address, secret_hash } => Self::Code {
                to: *to,
                address: address.as_ref().map(|address| address.as_str().to_owned()),
                purpose: purpose.as_str().to_owned(),
                secret_hash: secret_hash.clone(),
            },
            NotificationKind::Account { to, event } => Self::Account { to: *to, event: event.into() },
        }
    }
}

impl TryFrom<KindItem> for NotificationKind {
    type Error = InvalidAttribute;

    fn try_from(item: KindItem) -> Result<Self, InvalidAttribute> {
        Ok(match item {
            KindItem::Assignment { to, task, by } => Self::Assignment { to, task, by },
            KindItem::Invitation { to, space } => {
                Self::Invitation { to: EmailAddress::parse_trusted(&to)?, space }
            }
            KindItem::RegistrationInvitation { to, by } => {
                Self::RegistrationInvitation { to: EmailAddress::parse_trusted(&to)?, by }
            }
            KindItem::Message { to, by, subject, text } => Self::Message {
                to,
                by,
                subject: MessageSubject::parse(&subject)?,
                text: MessageText::parse(&text)?,
            },
            KindItem::Verification { to } => Self::Verification { to },
            KindItem::Digest { to, day } => Self::Digest { to, day },
            KindItem::Code { to, purpose, address, secret_hash } => {
                let address =
                    address.map(|address| EmailAddress::parse_trusted(&address)).transpose()?;
                Self::Code { to, purpose: Purpose::parse(&purpose)?, address, secret_hash }
            }
            KindItem::Account { to, event } => Self::Account { to, event: event.try_into()? },
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct NotificationItem {
    id: NotificationId,
    #[serde(rename = "content")]
    kind: KindItem,
    delivery: DeliveryItem,
    #[serde(flatten)]
    timer: TimerKeys,
    version: u64,
    created_at: Timestamp,
    expires_at: i64,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Notification> for NotificationItem {
    fn from(notification: &Notification) -> Self {
        Self {
            id: notification.id,
            kind: (&notification.kind).into(),
            delivery: (&notification.delivery).into(),
            timer: TimerKeys::of(notification.timer()),
            version: notification.version,
            created_at: notification.created_at,
            expires_at: notification.expires_at().as_second(),
            unknown: notification.unknown.clone(),
        }
    }
}

impl TryFrom<NotificationItem> for Notification {
    type Error = InvalidAttribute;

    fn try_from(item: NotificationItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            id: item.id,
            kind: item.kind.try_into()?,
            delivery: item.delivery.try_into()?,
            version: item.version,
            created_at: item.created_at,
            unknown: item.unknown,
        })
    }
}
