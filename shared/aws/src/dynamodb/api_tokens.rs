//! API tokens. The day of the last use is an item of its own, so that functions that authenticate programs cannot change a
//! token.

use std::collections::HashMap;

use jiff::civil::Date;
use taskbell_domain::{
    api_token::{ApiToken, ApiTokenList},
    id::{ApiTokenId, UserId},
    notification::Notification,
    ports::{ApiTokenChanges, ApiTokens, PortError},
};

use super::{
    DynamoDb, Item,
    items::{ApiTokenItem, build_item, format_attribute, parse_item},
    key_attributes, keys, number, text,
    write::{Condition, TransactionResult, delete, increment_version, put, version_of},
};
use crate::{error::port_error, send_boxed::SendBoxed};

/// The attribute with the day of the last use.
const DAY: &str = "day";

impl ApiTokens for DynamoDb {
    async fn api_token(&self, user: UserId, id: ApiTokenId) -> Result<Option<ApiToken>, PortError> {
        const OPERATION: &str = "reading an API token";
        let found = self.get_item(OPERATION, &self.accounts, keys::api_token(user, id)).await?;
        found.map(|item| parse_item::<ApiTokenItem, _>(OPERATION, item)).transpose()
    }

    async fn record_api_token_use(&self, token: &ApiToken, day: Date) -> Result<(), PortError> {
        // A use that is recorded after the token was deleted expires with it, like the token. UpdateItem, which functions that authenticate have linked anyway.
        let update = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::api_token_use(token.user, token.id))))
            .update_expression("SET #day = :day, #expires_at = :expires_at, #format = :format")
            .expression_attribute_names("#day", DAY)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_names("#format", keys::FORMAT)
            .expression_attribute_values(":day", text(day.to_string()))
            .expression_attribute_values(":expires_at", number(token.expires_at.as_second()))
            .expression_attribute_values(":format", format_attribute());
        update.send_boxed().await.map(drop).map_err(port_error("recording the use of an API token"))
    }
}

impl ApiTokenChanges for DynamoDb {
    async fn api_tokens(&self, user: UserId) -> Result<ApiTokenList, PortError> {
        const OPERATION: &str = "listing API tokens";
        // The version first: if a token is created after this read, the conditional write of the caller fails.
        let counter = self.get_item(OPERATION, &self.accounts, keys::api_token_count(user)).await?;
        let (partition, prefix) = keys::api_tokens_of(user);
        let (used_partition, used_prefix) = keys::api_token_uses_of(user);
        let (found, used) = futures_util::try_join!(
            self.query_partition(OPERATION, &self.accounts, &partition, prefix),
            self.query_partition(OPERATION, &self.accounts, &used_partition, used_prefix),
        )?;
        let day = |item: &Item| {
            let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            Some((value(keys::SK)?.clone(), value(DAY)?.parse().ok()?))
        };
        let days: HashMap<String, Date> = used.iter().filter_map(day).collect();
        let tokens = found.into_iter().map(|item| {
            let token: ApiToken = parse_item::<ApiTokenItem, _>(OPERATION, item)?;
            let day = days.get(&keys::api_token_use(user, token.id).1).copied();
            Ok((token, day))
        });
        let tokens = tokens.collect::<Result<_, PortError>>()?;
        Ok(ApiTokenList { tokens, version: version_of(OPERATION, counter)? })
    }

    async fn add_api_token(
        &self,
        token: &ApiToken,
        expected: u64,
        notifications: &[Notification],
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "creating an API token";
        let key = keys::api_token(token.user, token.id);
        let stored = build_item(OPERATION, key, &ApiTokenItem::from(token))?;
        let mut actions = vec![put(OPERATION, &self.accounts, stored, Condition::NotExists)?];
        let counter = keys::api_token_count(token.user);
        actions.extend(increment_version(OPERATION, &self.accounts, counter, Some(expected))?);
        for notification in notifications {
            actions.extend(self.put_notification(OPERATION, Some(notification))?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn delete_api_token(&self, token: &ApiToken) -> Result<(), PortError> {
        const OPERATION: &str = "deleting an API token";
        let key = keys::api_token(token.user, token.id);
        let used = keys::api_token_use(token.user, token.id);
        let mut actions = vec![
            delete(OPERATION, &self.accounts, key, Condition::Unconditional)?,
            delete(OPERATION, &self.accounts, used, Condition::Unconditional)?,
        ];
        if let Some(notice) = token.expiry_notification {
            let key = keys::notification(notice);
            actions.push(delete(OPERATION, &self.tasks, key, Condition::Unconditional)?);
        }
        match self.transact(OPERATION, actions).await? {
            TransactionResult::Committed | TransactionResult::ConditionFailed(_) => Ok(()),
        }
    }
}
