//! Changes of passwords and addresses.

use jiff::Timestamp;
use taskbell_domain::{
    credential::Credential, id::UserId, notification::Notification, ports::*, user::User,
};

use super::{Data, MemoryStore};

impl Data {
    /// Whether another account has a canonical address, or has reserved it until after `now`.
    pub(super) fn is_taken(
        &self,
        address: &str,
        by_other_than: Option<UserId>,
        now: Timestamp,
    ) -> bool {
        let is_reserved = self.reserved_until.get(address).is_none_or(|until| now < *until);
        let owner = self.credentials.get(address).map(|credential| credential.user);
        owner.is_some_and(|owner| Some(owner) != by_other_than) && is_reserved
    }

    fn has_version_before(&self, user: &User, code: Option<&Notification>) -> bool {
        let is_read = self.users.get(&user.id).is_some_and(|stored| stored.version + 1 == user.version);
        let is_unused = |code: &Notification| {
            let stored = self.notifications.get(&code.id);
            stored.is_some_and(|(stored, _)| stored.version + 1 == code.version)
        };
        is_read && code.is_none_or(is_unused)
    }

    fn has_credential(&self, address: &str, user: UserId, hash: &str) -> bool {
        let stored = self.credentials.get(address);
        stored.is_some_and(|stored| stored.user == user && stored.password_hash == hash)
    }

    fn put_notification(&mut self, notification: &Notification) {
        self.notifications.insert(notification.id, (notification.clone(), notification.timer()));
    }
}

impl PasswordChanges for MemoryStore {
    async fn change_password(&self, change: PasswordChange<'_>) -> Result<bool, PortError> {
        let PasswordChange { user, verified_hash, hash, session, notification } = change;
        let (data, address) = (&mut *self.data(), user.email.canonical());
        if !data.has_version_before(user, None)
            || !data.has_credential(&address, user.id, verified_hash)
        {
            return Ok(false);
        }
        data.users.insert(user.id, user.clone());
        let credential = Credential { user: user.id, password_hash: hash.to_owned() };
        data.credentials.insert(address, credential);
        data.sessions.insert((session.user, session.id), session.clone());
        data.put_notification(notification);
        Ok(true)
    }
}

impl EmailChanges for MemoryStore {
    async fn change_email(&self, change: EmailChange<'_>) -> Result<EmailChanged, PortError> {
        let EmailChange { code, user, previous, hash, locked_hash, reserved_until, undo } = change;
        let data = &mut *self.data();
        let (present, old) = (user.email.canonical(), previous.canonical());
        let is_moved = present != old;
        let is_read = data.has_version_before(user, Some(code));
        if !is_read || is_moved && !data.has_credential(&old, user.id, hash) {
            return Ok(EmailChanged::Conflict);
        }
        if is_moved {
            if data.is_taken(&present, Some(user.id), user.updated_at) {
                return Ok(EmailChanged::EmailTaken);
            }
            let credential = |hash: &str| Credential { user: user.id, password_hash: hash.to_owned() };
            data.reserved_until.remove(&present);
            data.credentials.insert(present, credential(hash));
            data.credentials.insert(old.clone(), credential(locked_hash));
            data.reserved_until.insert(old, reserved_until);
        }
        data.users.insert(user.id, user.clone());
        data.put_notification(code);
        undo.into_iter().for_each(|undo| data.put_notification(undo));
        Ok(EmailChanged::Done)
    }

    async fn restore_email(&self, restoration: EmailRestoration<'_>) -> Result<bool, PortError> {
        let EmailRestoration { code, user, replaced, locked_hash } = restoration;
        let data = &mut *self.data();
        let (restored, present) = (user.email.canonical(), replaced.canonical());
        let is_own = |address: &String| {
            data.credentials.get(address).is_some_and(|stored| stored.user == user.id)
        };
        let is_read = data.has_version_before(user, Some(code));
        if !is_read || !is_own(&restored) || !is_own(&present) {
            return Ok(false);
        }
        data.credentials.remove(&present);
        let locked = Credential { user: user.id, password_hash: locked_hash.to_owned() };
        data.reserved_until.remove(&restored);
        data.credentials.insert(restored, locked);
        data.users.insert(user.id, user.clone());
        data.put_notification(code);
        Ok(true)
    }
}
