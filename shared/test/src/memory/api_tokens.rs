//! API tokens.

use jiff::civil::Date;
use taskbell_domain::{
    api_token::{ApiToken, ApiTokenList},
    id::{ApiTokenId, UserId},
    notification::Notification,
    ports::*,
};

use super::MemoryStore;

impl ApiTokens for MemoryStore {
    async fn api_token(&self, user: UserId, id: ApiTokenId) -> Result<Option<ApiToken>, PortError> {
        Ok(self.data().api_tokens.get(&(user, id)).map(|(token, _)| token.clone()))
    }

    async fn record_api_token_use(&self, token: &ApiToken, day: Date) -> Result<(), PortError> {
        if let Some((_, used)) = self.data().api_tokens.get_mut(&(token.user, token.id)) {
            *used = Some(day);
        }
        Ok(())
    }
}

impl ApiTokenChanges for MemoryStore {
    async fn api_tokens(&self, user: UserId) -> Result<ApiTokenList, PortError> {
        let data = self.data();
        let own = data.api_tokens.iter().filter(|((of, _), _)| *of == user);
        let tokens = own.map(|(_, stored)| stored.clone()).collect();
        let version = data.api_token_counts.get(&user).copied().unwrap_or_default();
        Ok(ApiTokenList { tokens, version })
    }

    async fn add_api_token(
        &self,
        token: &ApiToken,
        expected: u64,
        notifications: &[Notification],
    ) -> Result<bool, PortError> {
        let data = &mut *self.data();
        let count = data.api_token_counts.entry(token.user).or_default();
        if *count != expected {
            return Ok(false);
        }
        *count += 1;
        data.api_tokens.insert((token.user, token.id), (token.clone(), None));
        let stored = notifications.iter().map(|new| (new.id, (new.clone(), new.timer())));
        data.notifications.extend(stored);
        Ok(true)
    }

    async fn delete_api_token(&self, token: &ApiToken) -> Result<(), PortError> {
        let data = &mut *self.data();
        data.api_tokens.remove(&(token.user, token.id));
        if let Some(notice) = token.expiry_notification {
            data.notifications.remove(&notice);
        }
        Ok(())
    }
}
