//! Accounts: profiles, credentials and sessions.

use aws_sdk_dynamodb::{
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update},
};
use jiff::Timestamp;
use taskbell_domain::{
    credential::{CheckedPassword, Credential, PreviousToken, Session},
    email::EmailAddress,
    id::{SessionId, UserId},
    ports::{
        AccountStates, Accounts, Credentials, Directory, PortError, ProfileChanges, Profiles,
        Redemption, Redemptions, Replaced, Rotated, Sessions, SuppressedAddresses, UserPage,
    },
    timer::Timer,
    user::{AccountState, User},
};

use super::{
    DynamoDb, Item,
    items::{
        AccountStateItem, CredentialItem, NotificationItem, SessionItem, UserItem, build_item,
        is_active, key_item, parse_item,
    },
    key_attributes, keys, number, text,
    write::{Condition, TransactionResult, put},
};
use crate::{
    error::{corrupt, invalid_request, port_error, start_outside_list},
    send_boxed::SendBoxed,
};

impl Profiles for DynamoDb {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        const OPERATION: &str = "reading a profile";
        let found = self.get_item(OPERATION, &self.accounts, keys::profile(id)).await?;
        found.map(|item| parse_item::<UserItem, _>(OPERATION, item)).transpose()
    }
}

impl AccountStates for DynamoDb {
    async fn account_state(&self, id: UserId) -> Result<Option<AccountState>, PortError> {
        const OPERATION: &str = "reading the state of an account";
        let found = self.get_item(OPERATION, &self.accounts, keys::profile(id)).await?;
        found.map(|item| parse_item::<AccountStateItem, _>(OPERATION, item)).transpose()
    }
}

impl ProfileChanges for DynamoDb {
    async fn replace_user(
        &self,
        user: &User,
        expected: u64,
        digest: Option<Timer>,
    ) -> Result<Replaced<User>, PortError> {
        const OPERATION: &str = "changing a profile";
        let stored = build_item(OPERATION, keys::profile(user.id), &UserItem::from(user))?;
        let Some(timer) = digest else {
            return self
                .replace_item::<UserItem, _>(
                    OPERATION,
                    &self.accounts,
                    stored,
                    Condition::Version(expected),
                )
                .await;
        };
        let profile = put(OPERATION, &self.accounts, stored, Condition::Version(expected))?;
        let digest = self.reschedule_digest(OPERATION, user.id, timer)?;
        self.transact_replace::<UserItem, _>(OPERATION, vec![profile, digest]).await
    }
}

impl Credentials for DynamoDb {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        const OPERATION: &str = "reading a credential";
        let found =
            self.get_item(OPERATION, &self.accounts, keys::credential(&email.canonical())).await?;
        found.map(|item| parse_item::<CredentialItem, _>(OPERATION, item)).transpose()
    }
}

impl Redemptions for DynamoDb {
    async fn redeem(&self, redemption: Redemption<'_>) -> Result<bool, PortError> {
        const OPERATION: &str = "redeeming a code";
        let Redemption { code, user, credential } = redemption;
        let profile = build_item(OPERATION, keys::profile(user.id), &UserItem::from(user))?;
        let notification =
            build_item(OPERATION, keys::notification(code.id), &NotificationItem::from(code))?;
        let mut actions = vec![
            put(OPERATION, &self.accounts, profile, Condition::Version(user.version - 1))?,
            put(OPERATION, &self.tasks, notification, Condition::Version(code.version - 1))?,
        ];
        if let Some(credential) = credential {
            let owner = user.id.to_string();
            let belongs_to_user = ("user", owner.as_str());
            let hash = &credential.password_hash;
            actions.push(self.set_password(OPERATION, &user.email, hash, belongs_to_user)?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }
}

impl SuppressedAddresses for DynamoDb {
    async fn suppress_address(&self, address_hash: &str, now: Timestamp) -> Result<(), PortError> {
        let mut stored = key_item(keys::suppressed_address(address_hash));
        stored.insert("stopped_at".to_owned(), text(now.to_string()));
        let put = self
            .client
            .put_item()
            .table_name(&self.accounts)
            .set_item(Some(stored))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK);
        match put.send_boxed().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // The address is suppressed already.
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error("suppressing an address")(error)),
            },
        }
    }

    async fn is_suppressed(&self, address_hash: &str) -> Result<bool, PortError> {
        const OPERATION: &str = "reading whether an address is suppressed";
        let found =
            self.get_item(OPERATION, &self.accounts, keys::suppressed_address(address_hash)).await?;
        Ok(found.is_some())
    }
}

/// What every exchange of a refresh token changes.
const ROTATION: &str =
    "SET token_hash = :next, family_hash = :family, #expires_at = :expires_at, last_used_on = :day";

/// Sends an exchange of a refresh token. Returns the stored session if its condition does not hold; a missing one is empty.
async fn rotated(exchange: UpdateItemFluentBuilder) -> Result<Option<Item>, PortError> {
    let failed = exchange.return_values_on_condition_check_failure(AllOld).send_boxed().await;
    let Err(error) = failed else { return Ok(None) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            Ok(Some(failed.item().cloned().unwrap_or_default()))
        }
        _ => Err(port_error("rotating a session")(error)),
    }
}

impl DynamoDb {
    /// An exchange of a refresh token, without its condition.
    fn rotation(&self, next: &Session, presented: &str, now: Timestamp) -> UpdateItemFluentBuilder {
        let day = next.last_used_on.map_or(AttributeValue::Null(true), |day| text(day.to_string()));
        self.client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::session(next.user, next.id))))
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":next", text(&next.token_hash))
            .expression_attribute_values(":family", text(&next.family_hash))
            .expression_attribute_values(":expires_at", number(next.expires_at.as_second()))
            .expression_attribute_values(":day", day)
            .expression_attribute_values(":presented", text(presented))
            .expression_attribute_values(":now", number(now.as_second()))
    }
}

impl Sessions for DynamoDb {
    async fn open_session(
        &self,
        session: &Session,
        checked: CheckedPassword<'_>,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "opening a session";
        let stored = build_item(
            OPERATION,
            keys::session(session.user, session.id),
            &SessionItem::from(session),
        )?;
        let hash = checked.rehashed.unwrap_or(checked.hash);
        let is_unchanged = ("password_hash", checked.hash);
        let actions = vec![
            self.set_password(OPERATION, checked.email, hash, is_unchanged)?,
            put(OPERATION, &self.accounts, stored, Condition::Unconditional)?,
            self.check_second_factor(OPERATION, session.user, checked.factor)?,
        ];
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn has_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "reading a session";
        let found = self.get_item(OPERATION, &self.accounts, keys::session(user, session)).await?;
        Ok(found.is_some_and(|session| is_active(&session, now)))
    }

    async fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> Result<Rotated, PortError> {
        let until = PreviousToken::exchanged(presented, now).until;
        let exchange = self
            .rotation(next, presented, now)
            .update_expression(format!(
                "{ROTATION}, previous_hash = :presented, previous_until = :until"
            ))
            .condition_expression("token_hash = :presented AND #expires_at > :now")
            .expression_attribute_values(":until", number(until.as_second()));
        let Some(current) = rotated(exchange).await? else { return Ok(Rotated::Done) };
        // A response was lost, or the SDK has sent the exchange again.
        if current.get("previous_hash") == Some(&text(presented)) {
            let repetition =
                self.rotation(next, presented, now).update_expression(ROTATION).condition_expression(
                    "previous_hash = :presented AND previous_until > :now AND #expires_at > :now",
                );
            if rotated(repetition).await?.is_none() {
                return Ok(Rotated::Done);
            }
        }
        let is_known = current.get("family_hash") == Some(&text(&next.family_hash));
        Ok(if is_known && is_active(&current, now) { Rotated::Reused } else { Rotated::Unknown })
    }

    async fn sessions(&self, user: UserId, limit: u8) -> Result<Vec<Session>, PortError> {
        const OPERATION: &str = "listing sessions";
        let (partition, prefix) = keys::sessions_of(user);
        let query = self
            .client
            .query()
            .table_name(&self.accounts)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limit.into());
        let found = query.send_boxed().await.map_err(port_error(OPERATION))?;
        let found = found.items.unwrap_or_default().into_iter();
        found.map(|item| parse_item::<SessionItem, _>(OPERATION, item)).collect()
    }

    async fn close_other_sessions(&self, user: UserId, kept: SessionId) -> Result<(), PortError> {
        const OPERATION: &str = "closing sessions";
        let (sessions, (_, kept)) = (keys::sessions_of(user), keys::session(user, kept));
        self.delete_partition_except(OPERATION, &self.accounts, sessions, Some(&kept)).await
    }

    async fn close_session(&self, user: UserId, session: SessionId) -> Result<(), PortError> {
        const OPERATION: &str = "closing a session";
        let stored = key_attributes(keys::session(user, session));
        let delete = self.client.delete_item().table_name(&self.accounts).set_key(Some(stored));
        delete.send_boxed().await.map(drop).map_err(port_error(OPERATION))
    }
}

impl Directory for DynamoDb {
    async fn users(
        &self,
        prefix: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> Result<UserPage, PortError> {
        const OPERATION: &str = "listing accounts";
        if after.as_ref().is_some_and(|(email, _)| !email.starts_with(prefix)) {
            return Err(start_outside_list(OPERATION));
        }
        let start = after.map(|(email, user)| {
            let mut start = key_attributes(keys::profile(user));
            start.insert(keys::BY_EMAIL.partition.to_owned(), text(keys::DIRECTORY));
            start.insert(keys::BY_EMAIL.sort.to_owned(), text(email));
            start
        });
        let mut query = self
            .client
            .query()
            .table_name(&self.accounts)
            .index_name(keys::BY_EMAIL.name)
            .key_condition_expression("#directory = :directory")
            .expression_attribute_names("#directory", keys::BY_EMAIL.partition)
            .expression_attribute_values(":directory", text(keys::DIRECTORY));
        if !prefix.is_empty() {
            query = query
                .key_condition_expression("#directory = :directory AND begins_with(#email, :prefix)")
                .expression_attribute_names("#email", keys::BY_EMAIL.sort)
                .expression_attribute_values(":prefix", text(prefix));
        }
        let answer = query
            .set_exclusive_start_key(start)
            .limit(limit.into())
            .send_boxed()
            .await
            .map_err(port_error(OPERATION))?;
        let last = answer.last_evaluated_key.map(|last| {
            let text_of = |name: &str| last.get(name).and_then(|value| value.as_s().ok());
            let user = text_of(keys::PK).and_then(|partition| keys::user_of(partition));
            text_of(keys::BY_EMAIL.sort).cloned().zip(user).ok_or_else(|| corrupt(OPERATION, "key"))
        });
        let items = answer.items.unwrap_or_default().into_iter();
        let items = items.map(|item| parse_item::<UserItem, User>(OPERATION, item));
        Ok(UserPage { items: items.collect::<Result<_, _>>()?, next: last.transpose()? })
    }
}

impl Accounts for DynamoDb {
    async fn close_sessions(&self, user: UserId) -> Result<(), PortError> {
        self.delete_partition("closing sessions", &self.accounts, keys::sessions_of(user)).await
    }
}

impl DynamoDb {
    /// Stores a password hash, on condition that this attribute of the credential has this value.
    pub(super) fn set_password(
        &self,
        operation: &'static str,
        email: &EmailAddress,
        hash: &str,
        (attribute, value): (&str, &str),
    ) -> Result<TransactWriteItem, PortError> {
        let update = Update::builder()
            .table_name(&self.accounts)
            .set_key(Some(key_attributes(keys::credential(&email.canonical()))))
            .update_expression("SET password_hash = :hash")
            .condition_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", text(value))
            .expression_attribute_values(":hash", text(hash))
            .build()
            .map_err(|e| invalid_request(operation, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
