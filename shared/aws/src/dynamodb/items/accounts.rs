//! Profiles, credentials, sessions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    credential::{Credential, Session},
    email::EmailAddress,
    id::{SessionId, UserId},
    reminder::ReminderSpec,
    text::PersonName,
    unknown::Unknown,
    user::{AccountRole, DigestHour, MailSettings, MailSuppression, StopReason, User},
    zone::Zone,
};

use super::{Unreadable, tasks::SpecItem, unknown};
use crate::dynamodb::keys;

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct UserItem {
    id: UserId,
    email: String,
    name: String,
    time_zone: String,
    default_reminders: Vec<SpecItem>,
    mail: MailSettings,
    digest_hour: i8,
    #[serde(default = "plain")]
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_stopped: Option<StoppedItem>,
    link_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_set_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_valid_from: Option<Timestamp>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Made anew with every write.
    #[serde(flatten, skip_deserializing)]
    directory: DirectoryKeys,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct StoppedItem {
    reason: String,
    at: Timestamp,
}

impl TryFrom<StoppedItem> for MailSuppression {
    type Error = Unreadable;

    fn try_from(item: StoppedItem) -> Result<Self, Unreadable> {
        Ok(Self { reason: StopReason::parse(&item.reason)?, at: item.at })
    }
}

/// The attributes that put a profile into the index of addresses.
#[derive(Serialize, Default)]
struct DirectoryKeys {
    directory: String,
    email_key: String,
}

/// The role of profiles that were stored before there were any.
fn plain() -> String {
    AccountRole::User.as_str().to_owned()
}

impl From<&User> for UserItem {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name.as_str().to_owned(),
            time_zone: user.time_zone.to_string(),
            default_reminders: user.default_reminders.iter().map(Into::into).collect(),
            mail: user.mail.clone(),
            digest_hour: user.digest_hour.get(),
            role: user.role.as_str().to_owned(),
            disabled_at: user.disabled_at,
            email_verified_at: user.email_verified_at,
            mail_stopped: user.mail_stopped.map(|stopped| StoppedItem {
                reason: stopped.reason.as_str().to_owned(),
                at: stopped.at,
            }),
            link_secret: user.link_secret.clone(),
            password_set_at: user.password_set_at,
            tokens_valid_from: user.tokens_valid_from,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
            directory: DirectoryKeys {
                directory: keys::DIRECTORY.to_owned(),
                email_key: user.email.canonical(),
            },
            unknown: user.unknown.clone(),
        }
    }
}

impl TryFrom<UserItem> for User {
    type Error = Unreadable;

    fn try_from(item: UserItem) -> Result<Self, Unreadable> {
        let defaults = item.default_reminders.into_iter().map(ReminderSpec::try_from);
        Ok(Self {
            id: item.id,
            email: EmailAddress::parse_trusted(&item.email)?,
            name: PersonName::parse_trusted(&item.name)?,
            time_zone: Zone::parse(&item.time_zone)?,
            default_reminders: defaults.collect::<Result<_, _>>()?,
            mail: item.mail,
            digest_hour: DigestHour::new(u64::try_from(item.digest_hour).unwrap_or(u64::MAX))?,
            role: AccountRole::parse(&item.role)?,
            disabled_at: item.disabled_at,
            email_verified_at: item.email_verified_at,
            mail_stopped: item.mail_stopped.map(MailSuppression::try_from).transpose()?,
            link_secret: item.link_secret,
            password_set_at: item.password_set_at,
            tokens_valid_from: item.tokens_valid_from,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct CredentialItem {
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
pub(in crate::dynamodb) struct SessionItem {
    id: SessionId,
    user: UserId,
    family_hash: String,
    token_hash: String,
    expires_at: i64,
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            family_hash: session.family_hash.clone(),
            token_hash: session.token_hash.clone(),
            expires_at: session.expires_at.as_second(),
        }
    }
}
