//! Accounts: profiles, credentials, sessions.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update},
};
use jiff::Timestamp;
use taskbell_domain::{
    credential::{CheckedPassword, Credential, Session},
    email::EmailAddress,
    id::{SessionId, SpaceId, UserId},
    notification::Notification,
    ports::{
        Accounts, Credentials, Directory, PortError, ProfileChanges, Profiles, Redemption, Redemptions,
        Registered, Registrations, Replaced, Rotated, Sessions, SuppressedAddresses, UserPage,
    },
    timer::Timer,
    user::User,
};

use super::{
    DynamoDb, Item,
    items::{
        CredentialItem, NotificationItem, PersonalSpaceItem, SessionItem, UserItem, bare, item, read,
    },
    key, keys, number, text,
    write::{Transacted, When, put},
};
use crate::{
    error::{corrupt, outside, port_error, unbuildable},
    send_boxed::SendBoxed,
};

impl Profiles for DynamoDb {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        const OPERATION: &str = "reading a profile";
        let found = self.get(OPERATION, &self.accounts, keys::profile(id)).await?;
        found.map(|item| read::<UserItem, _>(OPERATION, item)).transpose()
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
        let stored = item(OPERATION, keys::profile(user.id), &UserItem::from(user))?;
        let Some(timer) = digest else {
            return self.replace_item::<UserItem, _>(OPERATION, &self.accounts, stored, expected).await;
        };
        let profile = put(OPERATION, &self.accounts, stored, When::Version(expected))?;
        let moved = self.move_digest(OPERATION, user.id, timer)?;
        self.replace_with::<UserItem, _>(OPERATION, vec![profile, moved]).await
    }
}

impl Registrations for DynamoDb {
    async fn register(
        &self,
        user: &User,
        credential: &Credential,
        notification: Option<&Notification>,
    ) -> Result<Registered, PortError> {
        const OPERATION: &str = "registering";
        let space = SpaceId::personal(user.id);
        let owner = PersonalSpaceItem { owner: user.id, created_at: user.created_at };
        let address = keys::credential(&user.email.canonical());
        let items = [
            (&self.accounts, item(OPERATION, address, &CredentialItem::from(credential))?),
            (&self.accounts, item(OPERATION, keys::profile(user.id), &UserItem::from(user))?),
            (&self.tasks, item(OPERATION, keys::space(space), &owner)?),
        ];
        let puts = items.into_iter().map(|(table, item)| put(OPERATION, table, item, When::Absent));
        let mut puts = puts.collect::<Result<Vec<_>, _>>()?;
        puts.extend(self.put_notification(OPERATION, notification)?);
        Ok(match self.transact(OPERATION, puts).await? {
            Transacted::Done => Registered::Done,
            Transacted::Refused(_) => Registered::EmailTaken,
        })
    }
}

impl Credentials for DynamoDb {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        const OPERATION: &str = "reading a credential";
        let found = self.get(OPERATION, &self.accounts, keys::credential(&email.canonical())).await?;
        found.map(|item| read::<CredentialItem, _>(OPERATION, item)).transpose()
    }
}

impl Redemptions for DynamoDb {
    async fn redeem(&self, redemption: Redemption<'_>) -> Result<bool, PortError> {
        const OPERATION: &str = "using up a code";
        let Redemption { code, user, credential, limit } = redemption;
        let profile = item(OPERATION, keys::profile(user.id), &UserItem::from(user))?;
        let notification = item(OPERATION, keys::notification(code.id), &NotificationItem::from(code))?;
        let mut actions = vec![
            put(OPERATION, &self.accounts, profile, When::Version(user.version - 1))?,
            put(OPERATION, &self.tasks, notification, When::Version(code.version - 1))?,
            self.access_update(OPERATION, user, limit)?,
        ];
        if let Some(credential) = credential {
            let owner = user.id.to_string();
            let own = ("user", owner.as_str());
            actions.push(self.set_password(OPERATION, &user.email, &credential.password_hash, own)?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, Transacted::Done))
    }
}

impl SuppressedAddresses for DynamoDb {
    async fn suppress_address(&self, address_hash: &str, now: Timestamp) -> Result<(), PortError> {
        let mut stored = bare(keys::suppressed_address(address_hash));
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
                // No mail goes there already.
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error("stopping mail to an address")(error)),
            },
        }
    }

    async fn is_suppressed(&self, address_hash: &str) -> Result<bool, PortError> {
        const OPERATION: &str = "asking whether an address takes mail";
        let found = self.get(OPERATION, &self.accounts, keys::suppressed_address(address_hash)).await?;
        Ok(found.is_some())
    }
}

impl Sessions for DynamoDb {
    async fn open_session(
        &self,
        session: &Session,
        checked: CheckedPassword<'_>,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "opening a session";
        let stored =
            item(OPERATION, keys::session(session.user, session.id), &SessionItem::from(session))?;
        let hash = checked.rehashed.unwrap_or(checked.hash);
        let same = ("password_hash", checked.hash);
        let actions = vec![
            self.set_password(OPERATION, checked.email, hash, same)?,
            put(OPERATION, &self.accounts, stored, When::Always)?,
        ];
        Ok(matches!(self.transact(OPERATION, actions).await?, Transacted::Done))
    }

    async fn has_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "reading a session";
        let found = self.get(OPERATION, &self.accounts, keys::session(user, session)).await?;
        Ok(found.is_some_and(|session| lives(&session, now)))
    }

    async fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> Result<Rotated, PortError> {
        const OPERATION: &str = "continuing a session";
        let result = self
            .client
            .update_item()
            .table_name(&self.accounts)
            .set_key(Some(key(keys::session(next.user, next.id))))
            .update_expression("SET token_hash = :next, family_hash = :family, #expires_at = :until")
            .condition_expression("token_hash = :presented AND #expires_at > :now")
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":next", text(&next.token_hash))
            .expression_attribute_values(":family", text(&next.family_hash))
            .expression_attribute_values(":until", number(next.expires_at.as_second()))
            .expression_attribute_values(":presented", text(presented))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(AllOld)
            .send_boxed()
            .await;
        match result {
            Ok(_) => Ok(Rotated::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let current = refused.item().filter(|item| lives(item, now));
                    let has = |name: &str, hash: &str| {
                        current.is_some_and(|session| session.get(name) == Some(&text(hash)))
                    };
                    // Our own write, whose answer was lost and which the SDK has sent again.
                    if has("token_hash", &next.token_hash) {
                        return Ok(Rotated::Done);
                    }
                    let reused = has("family_hash", &next.family_hash);
                    Ok(if reused { Rotated::Reused } else { Rotated::Unknown })
                }
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }

    async fn close_session(&self, user: UserId, session: SessionId) -> Result<(), PortError> {
        const OPERATION: &str = "closing a session";
        let stored = key(keys::session(user, session));
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
            return Err(outside(OPERATION));
        }
        let start = after.map(|(email, user)| {
            let mut start = key(keys::profile(user));
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
        let items = items.map(|item| read::<UserItem, User>(OPERATION, item));
        Ok(UserPage { items: items.collect::<Result<_, _>>()?, next: last.transpose()? })
    }
}

impl Accounts for DynamoDb {
    async fn close_sessions(&self, user: UserId) -> Result<(), PortError> {
        self.delete_partition("closing sessions", &self.accounts, keys::sessions_of(user)).await
    }
}

/// DynamoDB deletes expired items within days; until then they are still there.
fn lives(session: &Item, now: Timestamp) -> bool {
    session
        .get(keys::EXPIRES_AT)
        .and_then(|value| value.as_n().ok())
        .and_then(|seconds| seconds.parse::<i64>().ok())
        .is_some_and(|seconds| seconds > now.as_second())
}

impl DynamoDb {
    /// Stores the hash of a password, on the condition that the credential of an address has such an attribute.
    fn set_password(
        &self,
        operation: &'static str,
        email: &EmailAddress,
        hash: &str,
        (attribute, value): (&str, &str),
    ) -> Result<TransactWriteItem, PortError> {
        let update = Update::builder()
            .table_name(&self.accounts)
            .set_key(Some(key(keys::credential(&email.canonical()))))
            .update_expression("SET password_hash = :hash")
            .condition_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", text(value))
            .expression_attribute_values(":hash", text(hash))
            .build()
            .map_err(|e| unbuildable(operation, e))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// One consistent read.
    pub(super) async fn get(
        &self,
        operation: &'static str,
        table: &str,
        of: (String, String),
    ) -> Result<Option<Item>, PortError> {
        let get = self.client.get_item().table_name(table).set_key(Some(key(of))).consistent_read(true);
        get.send_boxed().await.map(|answer| answer.item).map_err(port_error(operation))
    }
}
