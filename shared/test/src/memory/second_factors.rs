//! Second factors.

use taskbell_domain::{
    id::UserId, notification::Notification, ports::*, second_factor::SecondFactor, user::User,
};

use super::{Data, MemoryStore};

impl Data {
    /// Whether the stored factor has this version; with `None`, whether there is none.
    fn has_factor(&self, user: UserId, version: Option<u64>) -> bool {
        self.second_factors.get(&user).map(|stored| stored.version) == version
    }

    /// What a log-in depends on besides the password. Stores the factor that has accepted a code.
    pub(super) fn check_second_factor(
        &mut self,
        user: UserId,
        accepted: Option<&SecondFactor>,
    ) -> bool {
        let Some(factor) = accepted else {
            return !self.second_factors.get(&user).is_some_and(SecondFactor::is_confirmed);
        };
        let is_unchanged = self.has_factor(user, Some(factor.version - 1));
        if is_unchanged {
            self.second_factors.insert(user, factor.clone());
        }
        is_unchanged
    }
}

impl SecondFactors for MemoryStore {
    async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, PortError> {
        Ok(self.data().second_factors.get(&user).cloned())
    }

    async fn store_second_factor(
        &self,
        factor: &SecondFactor,
        expected: Option<u64>,
        notifications: &[Notification],
    ) -> Result<bool, PortError> {
        let data = &mut *self.data();
        if !data.has_factor(factor.user, expected) {
            return Ok(false);
        }
        data.second_factors.insert(factor.user, factor.clone());
        let stored = notifications.iter().map(|new| (new.id, (new.clone(), new.timer())));
        data.notifications.extend(stored);
        Ok(true)
    }
}

impl SecondFactorChanges for MemoryStore {
    async fn confirm_second_factor(
        &self,
        factor: &SecondFactor,
        user: &User,
        notification: &Notification,
    ) -> Result<bool, PortError> {
        let data = &mut *self.data();
        let read = data.users.get(&user.id).is_some_and(|stored| stored.version + 1 == user.version);
        if !read || !data.has_factor(user.id, Some(factor.version - 1)) {
            return Ok(false);
        }
        data.second_factors.insert(user.id, factor.clone());
        data.users.insert(user.id, user.clone());
        data.notifications.insert(notification.id, (notification.clone(), notification.timer()));
        Ok(true)
    }

    async fn remove_second_factor(&self, removal: FactorRemoval<'_>) -> Result<bool, PortError> {
        let FactorRemoval { factor, user, code, notification } = removal;
        let data = &mut *self.data();
        let read = data.users.get(&user.id).is_some_and(|stored| stored.version + 1 == user.version);
        let is_unused = |code: &Notification| {
            let stored = data.notifications.get(&code.id);
            stored.is_some_and(|(stored, _)| stored.version + 1 == code.version)
        };
        let is_unchanged = data.has_factor(user.id, Some(factor.version));
        if !read || !is_unchanged || !code.is_none_or(is_unused) {
            return Ok(false);
        }
        data.second_factors.remove(&user.id);
        data.users.insert(user.id, user.clone());
        for stored in code.into_iter().chain([notification]) {
            data.notifications.insert(stored.id, (stored.clone(), stored.timer()));
        }
        Ok(true)
    }
}
