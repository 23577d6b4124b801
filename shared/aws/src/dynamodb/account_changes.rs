//! Changes of passwords and addresses. An address belongs to the account that the item under its canonical form names; the
//! item of a previous address expires.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use taskbell_domain::{
    credential::Credential,
    notification::Notification,
    ports::{
        EmailChange, EmailChanged, EmailChanges, EmailRestoration, PasswordChange, PasswordChanges,
        PortError,
    },
    user::User,
};

use super::{
    DynamoDb,
    items::{CredentialItem, NotificationItem, SessionItem, UserItem, build_item},
    keys, number, text,
    write::{Condition, TransactionResult, delete, put},
};
use crate::error::invalid_request;

/// The position of the credential under the new address in the transaction of a change.
const NEW_ADDRESS: usize = 2;

impl PasswordChanges for DynamoDb {
    async fn change_password(&self, change: PasswordChange<'_>) -> Result<bool, PortError> {
        const OPERATION: &str = "changing a password";
        let PasswordChange { user, verified_hash, hash, session, notification } = change;
        let key = keys::session(session.user, session.id);
        let session = build_item(OPERATION, key, &SessionItem::from(session))?;
        let is_verified = ("password_hash", verified_hash);
        let mut actions = vec![
            self.put_profile(OPERATION, user)?,
            self.set_password(OPERATION, &user.email, hash, is_verified)?,
            put(OPERATION, &self.accounts, session, Condition::Unconditional)?,
        ];
        actions.extend(self.put_notification(OPERATION, Some(notification))?);
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }
}

impl EmailChanges for DynamoDb {
    async fn change_email(&self, change: EmailChange<'_>) -> Result<EmailChanged, PortError> {
        const OPERATION: &str = "changing an address";
        let EmailChange { code, user, previous, hash, locked_hash, reserved_until, undo } = change;
        let mut actions = vec![self.put_profile(OPERATION, user)?, self.put_used(OPERATION, code)?];
        let (present, old) = (user.email.canonical(), previous.canonical());
        let is_moved = present != old;
        if is_moved {
            let credential = Credential { user: user.id, password_hash: hash.to_owned() };
            let item =
                build_item(OPERATION, keys::credential(&present), &CredentialItem::from(&credential))?;
            let values = HashMap::from([
                (":user".to_owned(), text(user.id.to_string())),
                (":now".to_owned(), number(user.updated_at.as_second())),
            ]);
            let put = Put::builder()
                .table_name(&self.accounts)
                .set_item(Some(item))
                .condition_expression(
                    "attribute_not_exists(#pk) OR #user = :user OR #expires_at <= :now",
                )
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#user", "user")
                .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
                .set_expression_attribute_values(Some(values))
                .build()
                .map_err(|e| invalid_request(OPERATION, e))?;
            actions.push(TransactWriteItem::builder().put(put).build());
            let reservation = CredentialItem::reservation(user.id, locked_hash, reserved_until);
            let item = build_item(OPERATION, keys::credential(&old), &reservation)?;
            let is_read = Condition::Equals("password_hash", hash);
            actions.push(self::put(OPERATION, &self.accounts, item, is_read)?);
        }
        actions.extend(self.put_notification(OPERATION, undo)?);
        Ok(match self.transact(OPERATION, actions).await? {
            TransactionResult::Committed => EmailChanged::Done,
            TransactionResult::ConditionFailed(failed) => {
                let failed = failed.iter().enumerate().filter(|(_, result)| result.is_some());
                let failed: Vec<_> = failed.map(|(position, _)| position).collect();
                if is_moved && failed == [NEW_ADDRESS] {
                    EmailChanged::EmailTaken
                } else {
                    EmailChanged::Conflict
                }
            }
        })
    }

    async fn restore_email(&self, restoration: EmailRestoration<'_>) -> Result<bool, PortError> {
        const OPERATION: &str = "restoring an address";
        let EmailRestoration { code, user, replaced, locked_hash } = restoration;
        let owner = user.id.to_string();
        let belongs_to_user = Condition::Equals("user", &owner);
        let locked = Credential { user: user.id, password_hash: locked_hash.to_owned() };
        let (restored, present) = (user.email.canonical(), replaced.canonical());
        let item = build_item(OPERATION, keys::credential(&restored), &CredentialItem::from(&locked))?;
        let mut actions = vec![
            self.put_profile(OPERATION, user)?,
            self.put_used(OPERATION, code)?,
            put(OPERATION, &self.accounts, item, belongs_to_user)?,
        ];
        if present != restored {
            let key = keys::credential(&present);
            actions.push(delete(OPERATION, &self.accounts, key, belongs_to_user)?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }
}

impl DynamoDb {
    /// Stores a profile, on condition that the stored one has the version before.
    pub(super) fn put_profile(
        &self,
        operation: &'static str,
        user: &User,
    ) -> Result<TransactWriteItem, PortError> {
        let item = build_item(operation, keys::profile(user.id), &UserItem::from(user))?;
        put(operation, &self.accounts, item, Condition::Version(user.version - 1))
    }

    /// Stores a notification whose code was used, on condition that the stored one has the version before.
    fn put_used(
        &self,
        operation: &'static str,
        code: &Notification,
    ) -> Result<TransactWriteItem, PortError> {
        let item = build_item(operation, keys::notification(code.id), &NotificationItem::from(code))?;
        put(operation, &self.tasks, item, Condition::Version(code.version - 1))
    }
}
