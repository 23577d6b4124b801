//! Changes of accounts that mails inform of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    account_event::AccountEvent, api_token::ApiScope, id::ApiTokenId, text::ApiTokenName,
};

use super::InvalidAttribute;

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum AccountEventItem {
    RegisteredAgain,
    PasswordChanged,
    SecondFactorAdded,
    SecondFactorRemoved,
    SecondFactorRemovalRequested { at: Timestamp },
    ApiTokenCreated { name: String, scopes: Vec<String>, until: Timestamp },
    ApiTokenExpires { token: ApiTokenId, name: String, until: Timestamp },
}

impl From<&AccountEvent> for AccountEventItem {
    fn from(event: &AccountEvent) -> Self {
        match event {
            AccountEvent::RegisteredAgain => Self::RegisteredAgain,
            AccountEvent::PasswordChanged => Self::PasswordChanged,
            AccountEvent::SecondFactorAdded => Self::SecondFactorAdded,
            AccountEvent::SecondFactorRemoved => Self::SecondFactorRemoved,
            AccountEvent::SecondFactorRemovalRequested { at } => {
                Self::SecondFactorRemovalRequested { at: *at }
            }
            AccountEvent::ApiTokenCreated { name, scopes, expires_at } => Self::ApiTokenCreated {
                name: name.as_str().to_owned(),
                scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
                until: *expires_at,
            },
            AccountEvent::ApiTokenExpires { token, name, expires_at } => Self::ApiTokenExpires {
                token: *token,
                name: name.as_str().to_owned(),
                until: *expires_at,
            },
        }
    }
}

impl TryFrom<AccountEventItem> for AccountEvent {
    type Error = InvalidAttribute;

    fn try_from(item: AccountEventItem) -> Result<Self, InvalidAttribute> {
        Ok(match item {
            AccountEventItem::RegisteredAgain => Self::RegisteredAgain,
            AccountEventItem::PasswordChanged => Self::PasswordChanged,
            AccountEventItem::SecondFactorAdded => Self::SecondFactorAdded,
            AccountEventItem::SecondFactorRemoved => Self::SecondFactorRemoved,
            AccountEventItem::SecondFactorRemovalRequested { at } => {
                Self::SecondFactorRemovalRequested { at }
            }
            AccountEventItem::ApiTokenCreated { name, scopes, until } => Self::ApiTokenCreated {
                name: ApiTokenName::parse(&name)?,
                scopes: scopes.iter().map(|scope| ApiScope::parse(scope)).collect::<Result<_, _>>()?,
                expires_at: until,
            },
            AccountEventItem::ApiTokenExpires { token, name, until } => {
                Self::ApiTokenExpires { token, name: ApiTokenName::parse(&name)?, expires_at: until }
            }
        })
    }
}
