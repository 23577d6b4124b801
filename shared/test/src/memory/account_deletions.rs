//! Deletions of accounts.

use taskbell_domain::{
    account_deletion::AccountDeletion,
    email::EmailAddress,
    id::{SpaceId, UserId},
    ports::*,
    user::User,
};

use super::MemoryStore;

impl AccountDeletions for MemoryStore {
    async fn delete_account(
        &self,
        user: &User,
        previous: &[EmailAddress],
        deletion: AccountDeletion,
    ) -> Result<bool, PortError> {
        let (data, address) = (&mut *self.data(), user.email.canonical());
        let is_read = data.users.get(&user.id).is_some_and(|stored| stored.version == user.version);
        let is_own = data.credentials.get(&address).is_some_and(|stored| stored.user == user.id);
        if !is_read || !is_own {
            return Ok(false);
        }
        data.users.remove(&user.id);
        for address in previous.iter().map(EmailAddress::canonical).chain([address]) {
            if data.credentials.get(&address).is_some_and(|stored| stored.user == user.id) {
                data.credentials.remove(&address);
                data.reserved_until.remove(&address);
            }
        }
        data.deletions.insert(user.id, deletion);
        Ok(true)
    }

    async fn unfinished_deletions(&self) -> Result<Vec<AccountDeletion>, PortError> {
        Ok(self.data().deletions.values().copied().collect())
    }

    async fn delete_items_of(&self, user: UserId) -> Result<(), PortError> {
        let data = &mut *self.data();
        let removed = data.api_tokens.extract_if(.., |(of, _), _| *of == user);
        let notices: Vec<_> = removed.filter_map(|(_, (token, _))| token.expiry_notification).collect();
        notices.iter().for_each(|notice| drop(data.notifications.remove(notice)));
        data.api_token_counts.remove(&user);
        data.counter_groups.remove(&SpaceId::personal(user));
        data.second_factors.remove(&user);
        data.digests.remove(&user);
        data.memberships.remove(&user);
        Ok(())
    }

    async fn finish_deletion(&self, user: UserId) -> Result<(), PortError> {
        self.data().deletions.remove(&user);
        Ok(())
    }
}
