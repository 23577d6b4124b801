//! Deletions of accounts. Those that have not finished are in one partition: they are few.

use std::collections::BTreeSet;

use taskbell_domain::{
    account_deletion::AccountDeletion,
    api_token::ApiToken,
    email::EmailAddress,
    id::{SpaceId, UserId},
    ports::{AccountDeletions, PortError},
    user::User,
};

use super::{
    DynamoDb, Item, Key,
    items::{ApiTokenItem, key_item, parse_item},
    key_attributes, keys, text,
    write::{Condition, TransactionResult, delete, put},
};
use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

/// The attribute with the time of the deletion.
const DELETED_AT: &str = "deleted_at";

impl AccountDeletions for DynamoDb {
    async fn delete_account(
        &self,
        user: &User,
        previous: &[EmailAddress],
        deletion: AccountDeletion,
    ) -> Result<bool, PortError> {
        const OPERATION: &str = "deleting an account";
        let (owner, personal) = (user.id.to_string(), SpaceId::personal(user.id));
        let mut record = key_item(keys::account_deletion(user.id));
        record.insert(DELETED_AT.to_owned(), text(deletion.deleted_at.to_string()));
        let unchanged = Condition::Version(user.version);
        let mut credentials = self.reservations(OPERATION, user, previous).await?;
        credentials.push(keys::credential(&user.email.canonical()));
        let mut actions = vec![
            delete(OPERATION, &self.accounts, keys::profile(user.id), unchanged)?,
            put(OPERATION, &self.accounts, record, Condition::NotExists)?,
            delete(OPERATION, &self.tasks, keys::space(personal), Condition::Unconditional)?,
        ];
        for credential in credentials {
            let is_own = Condition::Equals("user", &owner);
            actions.push(delete(OPERATION, &self.accounts, credential, is_own)?);
        }
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn unfinished_deletions(&self) -> Result<Vec<AccountDeletion>, PortError> {
        const OPERATION: &str = "listing unfinished deletions";
        let (partition, prefix) = keys::account_deletions();
        let found = self.query_partition(OPERATION, &self.accounts, &partition, prefix).await?;
        let read = |item: Item| {
            let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            let user = value(keys::SK).and_then(|sort| keys::user_of(sort));
            let deleted_at = value(DELETED_AT).and_then(|at| at.parse().ok());
            let deletion =
                user.zip(deleted_at).map(|(user, at)| AccountDeletion { user, deleted_at: at });
            deletion.ok_or_else(|| corrupt(OPERATION, DELETED_AT))
        };
        found.into_iter().map(read).collect()
    }

    async fn delete_items_of(&self, user: UserId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting the items of a user";
        let (tokens, prefix) = keys::api_tokens_of(user);
        let found = self.query_partition(OPERATION, &self.accounts, &tokens, prefix).await?;
        let found = found.into_iter().map(|item| parse_item::<ApiTokenItem, ApiToken>(OPERATION, item));
        // A token that cannot be read must not stop the deletion. Its notice expires by itself.
        let notices = found.filter_map(|token| token.ok()?.expiry_notification).map(keys::notification);
        self.batch_delete(OPERATION, &self.tasks, notices.collect()).await?;
        self.delete_partition(OPERATION, &self.accounts, (tokens, "")).await?;
        self.delete_partition(OPERATION, &self.accounts, keys::api_token_uses_of(user)).await?;
        self.batch_delete(OPERATION, &self.accounts, vec![keys::second_factor(user)]).await?;
        let counters = keys::counters_of(SpaceId::personal(user));
        self.delete_partition(OPERATION, &self.tasks, counters).await?;
        let items = vec![keys::digest(user), keys::memberships(user)];
        self.batch_delete(OPERATION, &self.tasks, items).await
    }

    async fn finish_deletion(&self, user: UserId) -> Result<(), PortError> {
        let record = key_attributes(keys::account_deletion(user));
        let delete = self.client.delete_item().table_name(&self.accounts).set_key(Some(record));
        delete.send_boxed().await.map(drop).map_err(port_error("finishing a deletion"))
    }
}

impl DynamoDb {
    /// The keys of those of the previous addresses of an account that are still reserved for it. Others may have been
    /// registered by someone else since.
    async fn reservations(
        &self,
        operation: &'static str,
        user: &User,
        previous: &[EmailAddress],
    ) -> Result<Vec<Key>, PortError> {
        let (present, owner) = (user.email.canonical(), text(user.id.to_string()));
        let previous: BTreeSet<_> = previous.iter().map(EmailAddress::canonical).collect();
        let previous = previous.iter().filter(|address| **address != present);
        let keys: Vec<_> = previous.map(|address| keys::credential(address)).collect();
        let found = self.get_items(operation, &self.accounts, keys.clone()).await?;
        let of_user = found.iter().filter(|item| item.get("user") == Some(&owner));
        let own: Vec<_> = of_user.filter_map(|item| item.get(keys::PK)?.as_s().ok()).collect();
        Ok(keys.into_iter().filter(|(partition, _)| own.contains(&partition)).collect())
    }
}
