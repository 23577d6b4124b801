//! Second factors. They are in partitions of their own, so that a role can read profiles without the secrets.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use taskbell_domain::{
    id::UserId,
    notification::Notification,
    ports::{FactorRemoval, PortError, SecondFactorChanges, SecondFactors},
    second_factor::SecondFactor,
    user::User,
};

use super::{
    DynamoDb,
    items::{NotificationItem, SecondFactorItem, build_item, parse_item},
    key_attributes, keys,
    write::{Condition, TransactionResult, delete, put},
};
use crate::error::invalid_request;

/// The attribute of a confirmed factor.
const CONFIRMED_AT: &str = "confirmed_at";

impl SecondFactors for DynamoDb {
    async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, PortError> {
        const OPERATION: &str = "reading a second factor";
        let found = self.get_item(OPERATION, &self.accounts, keys::second_factor(user)).await?;
        found.map(|item| parse_item::<SecondFactorItem, _>(OPERATION, item)).transpose()
    }

    async fn store_second_factor(
        &self,
        factor: &SecondFactor,
        expected: Option<u64>,
        notifications: &[Notification],
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "storing a second factor";
        let condition = expected.map_or(Condition::NotExists, Condition::Version);
        let mut actions = vec![self.put_second_factor(OPERATION, factor, condition)?];
        for notification in notifications {
            actions.extend(self.put_notification(OPERATION, Some(notification))?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }
}

impl SecondFactorChanges for DynamoDb {
    async fn confirm_second_factor(
        &self,
        factor: &SecondFactor,
        user: &User,
        notification: &Notification,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "confirming a second factor";
        let read = Condition::Version(factor.version - 1);
        let mut actions =
            vec![self.put_second_factor(OPERATION, factor, read)?, self.put_profile(OPERATION, user)?];
        actions.extend(self.put_notification(OPERATION, Some(notification))?);
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn remove_second_factor(&self, removal: FactorRemoval<'_>) -> Result<bool, PortError> {
        const OPERATION: &str = "removing a second factor";
        let FactorRemoval { factor, user, code, notification } = removal;
        let (key, read) = (keys::second_factor(factor.user), Condition::Version(factor.version));
        let mut actions =
            vec![delete(OPERATION, &self.accounts, key, read)?, self.put_profile(OPERATION, user)?];
        if let Some(code) = code {
            let key = keys::notification(code.id);
            let used = build_item(OPERATION, key, &NotificationItem::from(code))?;
            actions.push(put(OPERATION, &self.tasks, used, Condition::Version(code.version - 1))?);
        }
        actions.extend(self.put_notification(OPERATION, Some(notification))?);
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }
}

impl DynamoDb {
    fn put_second_factor(
        &self,
        operation: &'static str,
        factor: &SecondFactor,
        condition: Condition<'_>,
    ) -> Result<TransactWriteItem, PortError> {
        let key = keys::second_factor(factor.user);
        let stored = build_item(operation, key, &SecondFactorItem::from(factor))?;
        put(operation, &self.accounts, stored, condition)
    }

    /// What a log-in depends on besides the password: the second factor that has accepted a code is stored; without one,
    /// the account has no confirmed factor.
    pub(super) fn check_second_factor(
        &self,
        operation: &'static str,
        user: UserId,
        accepted: Option<&SecondFactor>,
    ) -> Result<TransactWriteItem, PortError> {
        if let Some(factor) = accepted {
            return self.put_second_factor(operation, factor, Condition::Version(factor.version - 1));
        }
        let check = ConditionCheck::builder()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::second_factor(user))))
            .condition_expression("attribute_not_exists(#confirmed_at)")
            .expression_attribute_names("#confirmed_at", CONFIRMED_AT)
            .build()
            .map_err(|e| invalid_request(operation, e))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}
