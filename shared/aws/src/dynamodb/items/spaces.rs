//! Spaces, who is in them and who is invited, and notifications.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    email::EmailAddress,
    id::{NotificationId, SpaceId, TaskId, UserId},
    invitation::Invitation,
    notification::{NOTIFICATION_LIFETIME, Notification, NotificationKind},
    one_time_code::Purpose,
    space::{Member, Role, Space},
    text::{MessageSubject, MessageText, SpaceName},
    unknown::Unknown,
};

use super::{
    Unreadable,
    delivery::{DeliveryItem, TimerKeys},
    unknown,
};

/// A personal space: it exists, and has no members but its owner.
#[derive(Serialize)]
pub(in crate::dynamodb) struct PersonalSpaceItem {
    pub(in crate::dynamodb) owner: UserId,
    pub(in crate::dynamodb) created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct SpaceItem {
    id: SpaceId,
    name: String,
    owners: u32,
    members: u32,
    #[serde(default)]
    deleting: bool,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Space> for SpaceItem {
    fn from(space: &Space) -> Self {
        Self {
            id: space.id,
            name: space.name.as_str().to_owned(),
            owners: space.owners,
            members: space.members,
            deleting: space.deleting,
            version: space.version,
            created_at: space.created_at,
            updated_at: space.updated_at,
            unknown: space.unknown.clone(),
        }
    }
}

impl TryFrom<SpaceItem> for Space {
    type Error = Unreadable;

    fn try_from(item: SpaceItem) -> Result<Self, Unreadable> {
        Ok(Self {
            id: item.id,
            name: SpaceName::parse_trusted(&item.name)?,
            owners: item.owners,
            members: item.members,
            deleting: item.deleting,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct MemberItem {
    space: SpaceId,
    user: UserId,
    role: String,
    joined_at: Timestamp,
}

impl From<&Member> for MemberItem {
    fn from(member: &Member) -> Self {
        let role = member.role.as_str().to_owned();
        Self { space: member.space, user: member.user, role, joined_at: member.joined_at }
    }
}

impl TryFrom<MemberItem> for Member {
    type Error = Unreadable;

    fn try_from(item: MemberItem) -> Result<Self, Unreadable> {
        let role = Role::parse(&item.role)?;
        Ok(Self { space: item.space, user: item.user, role, joined_at: item.joined_at })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct InvitationItem {
    space: SpaceId,
    email: String,
    invited_as: String,
    invited_by: UserId,
    notice: NotificationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_hash: Option<String>,
    created_at: i64,
    expires_at: i64,
}

impl From<&Invitation> for InvitationItem {
    fn from(invitation: &Invitation) -> Self {
        Self {
            space: invitation.space,
            email: invitation.email.as_str().to_owned(),
            invited_as: invitation.role.as_str().to_owned(),
            invited_by: invitation.invited_by,
            notice: invitation.notification,
            secret_hash: invitation.secret_hash.clone(),
            created_at: invitation.created_at.as_second(),
            expires_at: invitation.expires_at.as_second(),
        }
    }
}

impl TryFrom<InvitationItem> for Invitation {
    type Error = Unreadable;

    fn try_from(item: InvitationItem) -> Result<Self, Unreadable> {
        Ok(Self {
            space: item.space,
            email: EmailAddress::parse_trusted(&item.email)?,
            role: Role::parse(&item.invited_as)?,
            invited_by: item.invited_by,
            notification: item.notice,
            secret_hash: item.secret_hash,
            created_at: Timestamp::from_second(item.created_at).map_err(|_| "created_at")?,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ContentItem {
    Assignment {
        to: UserId,
        task: TaskId,
        by: UserId,
    },
    Invitation {
        to: String,
        space: SpaceId,
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
        secret_hash: Option<String>,
    },
}

impl From<&NotificationKind> for ContentItem {
    fn from(content: &NotificationKind) -> Self {
        match content {
            NotificationKind::Assignment { to, task, by } => {
                Self::Assignment { to: *to, task: *task, by: *by }
            }
            NotificationKind::Invitation { to, space } => {
                Self::Invitation { to: to.as_str().to_owned(), space: *space }
            }
            NotificationKind::Message { to, by, subject, text } => Self::Message {
                to: *to,
                by: *by,
                subject: subject.as_str().to_owned(),
                text: text.as_str().to_owned(),
            },
            NotificationKind::Verification { to } => Self::Verification { to: *to },
            NotificationKind::Digest { to, day } => Self::Digest { to: *to, day: *day },
            NotificationKind::Code { to, purpose, secret_hash } => Self::Code {
                to: *to,
                purpose: purpose.as_str().to_owned(),
                secret_hash: secret_hash.clone(),
            },
        }
    }
}

impl TryFrom<ContentItem> for NotificationKind {
    type Error = Unreadable;

    fn try_from(item: ContentItem) -> Result<Self, Unreadable> {
        Ok(match item {
            ContentItem::Assignment { to, task, by } => Self::Assignment { to, task, by },
            ContentItem::Invitation { to, space } => {
                Self::Invitation { to: EmailAddress::parse_trusted(&to)?, space }
            }
            ContentItem::Message { to, by, subject, text } => Self::Message {
                to,
                by,
                subject: MessageSubject::parse(&subject)?,
                text: MessageText::parse(&text)?,
            },
            ContentItem::Verification { to } => Self::Verification { to },
            ContentItem::Digest { to, day } => Self::Digest { to, day },
            ContentItem::Code { to, purpose, secret_hash } => {
                Self::Code { to, purpose: Purpose::parse(&purpose)?, secret_hash }
            }
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct NotificationItem {
    id: NotificationId,
    content: ContentItem,
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
            content: (&notification.content).into(),
            delivery: (&notification.delivery).into(),
            timer: TimerKeys::of(notification.timer()),
            version: notification.version,
            created_at: notification.created_at,
            expires_at: (notification.created_at + NOTIFICATION_LIFETIME).as_second(),
            unknown: notification.unknown.clone(),
        }
    }
}

impl TryFrom<NotificationItem> for Notification {
    type Error = Unreadable;

    fn try_from(item: NotificationItem) -> Result<Self, Unreadable> {
        Ok(Self {
            id: item.id,
            content: item.content.try_into()?,
            delivery: item.delivery.try_into()?,
            version: item.version,
            created_at: item.created_at,
            unknown: item.unknown,
        })
    }
}
