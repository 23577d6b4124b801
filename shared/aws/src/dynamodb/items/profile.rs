//! Profiles.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    email::EmailAddress,
    id::{NotificationId, SessionId, UserId},
    reminder::ReminderSpec,
    text::PersonName,
    unknown::Unknown,
    user::{
        AccountRole, AccountState, DigestHour, MailSettings, MailSuppression, SuppressionReason, User,
    },
    zone::Zone,
};

use super::{InvalidAttribute, reminder::SpecItem, unknown};
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
    #[serde(default = "default_role")]
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_stopped: Option<MailSuppressionItem>,
    link_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_set_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_set_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    email_undos: Vec<NotificationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_tokens_valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_factor_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_factor_session: Option<SessionId>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Written only.
    #[serde(flatten, skip_deserializing)]
    directory: DirectoryKeys,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

/// The attributes of a profile that decide whether access tokens are accepted.
#[derive(Deserialize)]
pub(in crate::dynamodb) struct AccountStateItem {
    disabled_at: Option<Timestamp>,
    tokens_valid_from: Option<Timestamp>,
    api_tokens_valid_from: Option<Timestamp>,
}

impl TryFrom<AccountStateItem> for AccountState {
    type Error = InvalidAttribute;

    fn try_from(item: AccountStateItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            is_blocked: item.disabled_at.is_some(),
            tokens_valid_from: item.tokens_valid_from,
            api_tokens_valid_from: item.api_tokens_valid_from,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct MailSuppressionItem {
    reason: String,
    at: Timestamp,
}

impl TryFrom<MailSuppressionItem> for MailSuppression {
    type Error = InvalidAttribute;

    fn try_from(item: MailSuppressionItem) -> Result<Self, InvalidAttribute> {
        Ok(Self { reason: SuppressionReason::parse(&item.reason)?, at: item.at })
    }
}

/// The key of a profile in the index by email address ([`keys::BY_EMAIL`]).
#[derive(Serialize, Default)]
struct DirectoryKeys {
    directory: String,
    email_key: String,
}

/// The role in profiles from before roles existed.
fn default_role() -> String {
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
            mail_stopped: user.mail_stopped.map(|suppression| MailSuppressionItem {
                reason: suppression.reason.as_str().to_owned(),
                at: suppression.at,
            }),
            link_secret: user.link_secret.clone(),
            password_set_at: user.password_set_at,
            email_set_at: user.email_set_at,
            email_undos: user.email_undos.clone(),
            tokens_valid_from: user.tokens_valid_from,
            api_tokens_valid_from: user.api_tokens_valid_from,
            second_factor_at: user.second_factor_at,
            second_factor_session: user.second_factor_session,
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
    type Error = InvalidAttribute;

    fn try_from(item: UserItem) -> Result<Self, InvalidAttribute> {
        let reminders = item.default_reminders.into_iter().map(ReminderSpec::try_from);
        Ok(Self {
            id: item.id,
            email: EmailAddress::parse_trusted(&item.email)?,
            name: PersonName::parse_trusted(&item.name)?,
            time_zone: Zone::parse(&item.time_zone)?,
            default_reminders: reminders.collect::<Result<_, _>>()?,
            mail: item.mail,
            digest_hour: DigestHour::new(u64::try_from(item.digest_hour).unwrap_or(u64::MAX))?,
            role: AccountRole::parse(&item.role)?,
            disabled_at: item.disabled_at,
            email_verified_at: item.email_verified_at,
            mail_stopped: item.mail_stopped.map(MailSuppression::try_from).transpose()?,
            link_secret: item.link_secret,
            password_set_at: item.password_set_at,
            email_set_at: item.email_set_at,
            email_undos: item.email_undos,
            tokens_valid_from: item.tokens_valid_from,
            api_tokens_valid_from: item.api_tokens_valid_from,
            second_factor_at: item.second_factor_at,
            second_factor_session: item.second_factor_session,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}
