//! Deletions of accounts. Those that have not finished are in one partition: they are few.

use taskbell_domain::{
    account_deletion::AccountDeletion,
    id::{SpaceId, UserId},
    ports::{AccountDeletions, PortError},
    user::User,
};

use super::{
    DynamoDb, Item,
    items::key_item,
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
    async fn delete_account(&self, user: &User, deletion: AccountDeletion) -> Result<bool, PortError> {
        const OPERATION: &str = "deleting an account";
        let owner = user.id.to_string();
        let mut record = key_item(keys::account_deletion(user.id));
        record.insert(DELETED_AT.to_owned(), text(deletion.deleted_at.to_string()));
        let credential = keys::credential(&user.email.canonical());
        let unchanged = Condition::Version(user.version);
        let actions = vec![
            delete(OPERATION, &self.accounts, keys::profile(user.id), unchanged)?,
            delete(OPERATION, &self.accounts, credential, Condition::Equals("user", &owner))?,
            put(OPERATION, &self.accounts, record, Condition::NotExists)?,
        ];
        Ok(matches!(self.transact(OPERATION, actions).await?, TransactionResult::Committed))
    }

    async fn unfinished_deletions(&self, limit: u8) -> Result<Vec<AccountDeletion>, PortError> {
        const OPERATION: &str = "listing unfinished deletions";
        let (partition, _) = keys::account_deletions();
        let query = self
            .client
            .query()
            .table_name(&self.accounts)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_values(":pk", text(partition))
            .consistent_read(true)
            .limit(limit.into());
        let page = query.send_boxed().await.map_err(port_error(OPERATION))?;
        let read = |item: Item| {
            let value = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            let user = value(keys::SK).and_then(|sort| keys::user_of(sort));
            let deleted_at = value(DELETED_AT).and_then(|at| at.parse().ok());
            let deletion =
                user.zip(deleted_at).map(|(user, at)| AccountDeletion { user, deleted_at: at });
            deletion.ok_or_else(|| corrupt(OPERATION, DELETED_AT))
        };
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    async fn delete_items_of(&self, user: UserId) -> Result<(), PortError> {
        const OPERATION: &str = "deleting the items of a user";
        let (tokens, _) = keys::api_tokens_of(user);
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
