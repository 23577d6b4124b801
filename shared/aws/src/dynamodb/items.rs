//! Items as they are stored. They are apart from the domain's types, so that either can change alone; what
//! is read back passes the same checks as what a person types.

use jiff::{Timestamp, fmt::serde::timestamp::second};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    credential::{Credential, Session},
    due::Due,
    email::EmailAddress,
    id::{ReminderId, SessionId, TaskId, UserId},
    list::{Position, SortBy},
    ports::{IdempotencyRecord, PortError},
    reminder::{DeliveryStatus, Lead, Reason, Reminder, ReminderSpec},
    task::{Priority, Status, Task},
    text::{Category, Description, PersonName, Tag, Title},
    user::{MailSettings, User},
    violation::Violation,
    zone::Zone,
};

use super::{Item, keys};
use crate::error::{corrupt, unbuildable};

/// Turns a stored form into an item with its key.
pub(super) fn item<T: Serialize>(
    operation: &'static str,
    (partition, sort): (String, String),
    stored: &T,
) -> Result<Item, PortError> {
    let mut item: Item = serde_dynamo::to_item(stored).map_err(|e| unbuildable(operation, e))?;
    item.insert(keys::PK.to_owned(), super::text(partition));
    item.insert(keys::SK.to_owned(), super::text(sort));
    Ok(item)
}

/// Reads an item back into the domain.
pub(super) fn read<'a, S, D>(operation: &'static str, item: Item) -> Result<D, PortError>
where
    S: Deserialize<'a> + TryInto<D, Error = Unreadable>,
{
    let stored: S = serde_dynamo::from_item(item).map_err(|e| corrupt(operation, e))?;
    stored.try_into().map_err(|e| corrupt(operation, e.0))
}

/// A stored value that fails the domain's checks.
pub(super) struct Unreadable(String);

impl From<Violation> for Unreadable {
    fn from(violation: Violation) -> Self {
        Self(violation.code.to_owned())
    }
}

impl From<&str> for Unreadable {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SpecItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl From<&ReminderSpec> for SpecItem {
    fn from(spec: &ReminderSpec) -> Self {
        match spec {
            ReminderSpec::Before(lead) => Self { before: Some(lead.to_string()), at: None },
            ReminderSpec::At(time) => Self { before: None, at: Some(time.to_string()) },
        }
    }
}

impl TryFrom<SpecItem> for ReminderSpec {
    type Error = Unreadable;

    fn try_from(item: SpecItem) -> Result<Self, Unreadable> {
        match (item.before, item.at) {
            (Some(lead), None) => Ok(Self::Before(Lead::parse(&lead)?)),
            (None, Some(time)) => Ok(Self::parse_at(&time)?),
            _ => Err("reminder".into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ReminderItem {
    id: ReminderId,
    #[serde(flatten)]
    spec: SpecItem,
    #[serde(with = "second::required")]
    fire_at: Timestamp,
    status: DeliveryStatus,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    next_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    attempts: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    fence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<&Reminder> for ReminderItem {
    fn from(reminder: &Reminder) -> Self {
        Self {
            id: reminder.id,
            spec: (&reminder.spec).into(),
            fire_at: reminder.fire_at,
            status: reminder.status,
            next_at: reminder.next_at,
            attempts: reminder.attempts.into(),
            fence: reminder.fence,
            sent_at: reminder.sent_at,
            message_id: reminder.message_id.clone(),
            reason: reminder.reason,
        }
    }
}

impl TryFrom<ReminderItem> for Reminder {
    type Error = Unreadable;

    fn try_from(item: ReminderItem) -> Result<Self, Unreadable> {
        Ok(Self {
            id: item.id,
            spec: item.spec.try_into()?,
            fire_at: item.fire_at,
            status: item.status,
            next_at: item.next_at,
            attempts: u32::try_from(item.attempts).map_err(|_| "attempts")?,
            fence: item.fence,
            sent_at: item.sent_at,
            message_id: item.message_id,
            reason: item.reason,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct TaskItem {
    space_key: String,
    created_key: String,
    due_key: String,
    status_key: String,
    stage_key: String,
    priority_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer_key: Option<String>,
    title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    status: String,
    priority: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    due_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<ReminderItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_reminders: Vec<ReminderItem>,
    created_by: UserId,
    version: u64,
    #[serde(with = "second::required")]
    created_at: Timestamp,
    #[serde(with = "second::required")]
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "second::optional")]
    completed_at: Option<Timestamp>,
}

impl From<&Task> for TaskItem {
    fn from(task: &Task) -> Self {
        let timer = task.timer();
        Self {
            space_key: keys::space_partition(task.space),
            created_key: Position::of(task, SortBy::Created).0,
            due_key: Position::of(task, SortBy::Due).0,
            status_key: keys::status_partition(task.space, task.status),
            stage_key: keys::stage_partition(task.space, keys::Stage::of(task.status)),
            priority_key: Position::of(task, SortBy::Priority).0,
            timer_shard: timer.map(|timer| keys::timer_shard(keys::shard_of(timer.task_id))),
            timer_key: timer.as_ref().map(keys::timer),
            title: task.title.as_str().to_owned(),
            description: task.description.as_str().to_owned(),
            status: task.status.as_str().to_owned(),
            priority: task.priority.as_str().to_owned(),
            category: task.category.as_ref().map(|category| category.as_str().to_owned()),
            tags: task.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            due: task.due.as_ref().map(ToString::to_string),
            due_at: task.due_at,
            reminders: task.reminders.iter().map(Into::into).collect(),
            past_reminders: task.past_reminders.iter().map(Into::into).collect(),
            created_by: task.created_by,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
        }
    }
}

impl TryFrom<TaskItem> for Task {
    type Error = Unreadable;

    fn try_from(item: TaskItem) -> Result<Self, Unreadable> {
        let reminders = |items: Vec<ReminderItem>| {
            items.into_iter().map(Reminder::try_from).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            id: TaskId::from_body(&item.created_key).map_err(|_| "id")?,
            space: keys::space_of(&item.space_key).ok_or("space")?,
            title: Title::parse(&item.title)?,
            description: Description::parse(&item.description)?,
            status: Status::parse(&item.status)?,
            priority: Priority::parse(&item.priority)?,
            category: item.category.as_deref().map(Category::parse).transpose()?,
            tags: item.tags.iter().map(|tag| Tag::parse(tag)).collect::<Result<_, _>>()?,
            due: item.due.as_deref().map(Due::parse).transpose()?,
            due_at: item.due_at,
            reminders: reminders(item.reminders)?,
            past_reminders: reminders(item.past_reminders)?,
            created_by: item.created_by,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            completed_at: item.completed_at,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct UserItem {
    id: UserId,
    email: String,
    name: String,
    time_zone: String,
    default_reminders: Vec<SpecItem>,
    mail: MailSettings,
    unsubscribe_token: String,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&User> for UserItem {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name.as_str().to_owned(),
            time_zone: user.time_zone.to_string(),
            default_reminders: user.default_reminders.iter().map(Into::into).collect(),
            mail: user.mail,
            unsubscribe_token: user.unsubscribe_token.clone(),
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl TryFrom<UserItem> for User {
    type Error = Unreadable;

    fn try_from(item: UserItem) -> Result<Self, Unreadable> {
        let defaults = item.default_reminders.into_iter().map(ReminderSpec::try_from);
        Ok(Self {
            id: item.id,
            email: EmailAddress::parse(&item.email)?,
            name: PersonName::parse(&item.name)?,
            time_zone: Zone::parse(&item.time_zone)?,
            default_reminders: defaults.collect::<Result<_, _>>()?,
            mail: item.mail,
            unsubscribe_token: item.unsubscribe_token,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CredentialItem {
    user: UserId,
    password_hash: String,
}

impl From<&Credential> for CredentialItem {
    fn from(credential: &Credential) -> Self {
        Self { user: credential.user, password_hash: credential.password_hash.clone() }
    }
}

impl TryFrom<CredentialItem> for Credential {
    type Error = Unreadable;

    fn try_from(item: CredentialItem) -> Result<Self, Unreadable> {
        Ok(Self { user: item.user, password_hash: item.password_hash })
    }
}

#[derive(Serialize)]
pub(super) struct SessionItem {
    id: SessionId,
    user: UserId,
    token_hash: String,
    expires_at: i64,
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            token_hash: session.token_hash.clone(),
            expires_at: session.expires_at.as_second(),
        }
    }
}

/// A personal space: it exists, and has no members but its owner.
#[derive(Serialize)]
pub(super) struct SpaceItem {
    pub(super) owner: UserId,
    pub(super) created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct IdempotencyItem {
    user: UserId,
    key_hash: String,
    body_hash: String,
    task: TaskId,
    expires_at: i64,
}

impl From<&IdempotencyRecord> for IdempotencyItem {
    fn from(record: &IdempotencyRecord) -> Self {
        Self {
            user: record.user,
            key_hash: record.key_hash.clone(),
            body_hash: record.body_hash.clone(),
            task: record.task,
            expires_at: record.expires_at.as_second(),
        }
    }
}

impl TryFrom<IdempotencyItem> for IdempotencyRecord {
    type Error = Unreadable;

    fn try_from(item: IdempotencyItem) -> Result<Self, Unreadable> {
        Ok(Self {
            user: item.user,
            key_hash: item.key_hash,
            body_hash: item.body_hash,
            task: item.task,
            expires_at: Timestamp::from_second(item.expires_at).map_err(|_| "expires_at")?,
        })
    }
}
