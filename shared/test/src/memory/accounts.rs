//! Accounts and rate limits.

use jiff::Timestamp;

use taskbell_domain::{
    credential::{CheckedPassword, Credential, PreviousToken, Session},
    digest::Digest,
    email::EmailAddress,
    id::{SessionId, UserId},
    ports::*,
    rate_limit::{self, RateLimit},
    timer::Timer,
    user::{AccountState, User},
};

use super::{MemoryStore, check_start};

impl Profiles for MemoryStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.data().users.get(&id).cloned())
    }
}

impl ProfileChanges for MemoryStore {
    async fn replace_user(
        &self,
        user: &User,
        expected: u64,
        digest: Option<Timer>,
    ) -> Result<Replaced<User>, PortError> {
        let mut data = self.data();
        let stored = data.users.get(&user.id);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.users.insert(user.id, user.clone());
        if let Some(timer) = digest {
            let first = Digest::new(user.id, None, 0);
            let (stored, shown) = data.digests.entry(user.id).or_insert((first, None));
            stored.at = Some(timer.at);
            stored.version += 1;
            *shown = Some(timer);
        }
        Ok(Replaced::Stored)
    }
}

impl Directory for MemoryStore {
    async fn users(
        &self,
        prefix: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> Result<UserPage, PortError> {
        let holds = |(email, _): &(String, UserId)| email.starts_with(prefix);
        check_start("listing accounts", after.as_ref().is_none_or(holds))?;
        let data = self.data();
        let mut items: Vec<_> = data.users.values().cloned().collect();
        items.sort_by_key(|user| user.email.canonical());
        items.retain(|user| {
            let address = user.email.canonical();
            let is_after = after.as_ref().is_none_or(|(last, _)| address > *last);
            address.starts_with(prefix) && is_after
        });
        let is_full = items.len() >= usize::from(limit);
        items.truncate(limit.into());
        let next = items.last().filter(|_| is_full).map(|last| (last.email.canonical(), last.id));
        Ok(UserPage { items, next })
    }
}

impl Accounts for MemoryStore {
    async fn close_sessions(&self, user: UserId) -> Result<(), PortError> {
        self.data().sessions.retain(|(of, _), _| *of != user);
        Ok(())
    }
}

impl AccountStates for MemoryStore {
    async fn account_state(&self, id: UserId) -> Result<Option<AccountState>, PortError> {
        Ok(self.data().users.get(&id).map(User::state))
    }
}

impl Redemptions for MemoryStore {
    async fn redeem(&self, redemption: Redemption<'_>) -> Result<bool, PortError> {
        let Redemption { code, user, credential } = redemption;
        let (data, address) = (&mut *self.data(), user.email.canonical());
        let own = data.credentials.get(&address).is_some_and(|stored| stored.user == user.id);
        let read = data.users.get(&user.id).is_some_and(|stored| stored.version + 1 == user.version);
        let unused = data
            .notifications
            .get(&code.id)
            .is_some_and(|(stored, _)| stored.version + 1 == code.version);
        if !read || !unused || credential.is_some() && !own {
            return Ok(false);
        }
        data.users.insert(user.id, user.clone());
        data.notifications.insert(code.id, (code.clone(), code.timer()));
        data.credentials.extend(credential.map(|credential| (address, credential.clone())));
        Ok(true)
    }
}

impl Credentials for MemoryStore {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        Ok(self.data().credentials.get(&email.canonical()).cloned())
    }
}

impl SuppressedAddresses for MemoryStore {
    async fn suppress_address(&self, address_hash: &str, _now: Timestamp) -> Result<(), PortError> {
        self.data().suppressed.insert(address_hash.to_owned());
        Ok(())
    }

    async fn is_suppressed(&self, address_hash: &str) -> Result<bool, PortError> {
        Ok(self.data().suppressed.contains(address_hash))
    }
}

impl Sessions for MemoryStore {
    async fn open_session(
        &self,
        session: &Session,
        checked: CheckedPassword<'_>,
    ) -> Result<bool, PortError> {
        let data = &mut *self.data();
        let stored = data.credentials.get(&checked.email.canonical());
        let Some(stored) = stored.filter(|stored| stored.password_hash == checked.hash) else {
            return Ok(false);
        };
        let mut stored = stored.clone();
        stored.password_hash = checked.rehashed.unwrap_or(checked.hash).to_owned();
        if !data.check_second_factor(session.user, checked.factor) {
            return Ok(false);
        }
        data.credentials.insert(checked.email.canonical(), stored);
        data.sessions.insert((session.user, session.id), session.clone());
        Ok(true)
    }

    async fn has_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let data = self.data();
        Ok(data.sessions.get(&(user, session)).is_some_and(|stored| now < stored.expires_at))
    }

    async fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> Result<Rotated, PortError> {
        let mut data = self.data();
        let Some(stored) = data.sessions.get_mut(&(next.user, next.id)) else {
            return Ok(Rotated::Unknown);
        };
        if stored.expires_at <= now {
            return Ok(Rotated::Unknown);
        }
        let repeated = stored.previous.clone().filter(|previous| previous.hash == presented);
        let previous = match stored.token_hash == presented {
            true => Some(PreviousToken::exchanged(presented, now)),
            false => repeated.filter(|previous| now < previous.until),
        };
        if previous.is_none() {
            let reused = stored.family_hash == next.family_hash;
            return Ok(if reused { Rotated::Reused } else { Rotated::Unknown });
        }
        *stored = Session { label: stored.label.clone(), previous, ..next.clone() };
        Ok(Rotated::Done)
    }

    async fn sessions(&self, user: UserId, limit: u8) -> Result<Vec<Session>, PortError> {
        let data = self.data();
        let own = data.sessions.values().rev().filter(|session| session.user == user);
        Ok(own.take(limit.into()).cloned().collect())
    }

    async fn close_other_sessions(&self, user: UserId, kept: SessionId) -> Result<(), PortError> {
        self.data().sessions.retain(|(of, id), _| *of != user || *id == kept);
        Ok(())
    }

    async fn close_session(&self, user: UserId, session: SessionId) -> Result<(), PortError> {
        self.data().sessions.remove(&(user, session));
        Ok(())
    }
}

impl RateLimits for MemoryStore {
    async fn record(
        &self,
        limit: &RateLimit,
        key: &rate_limit::RateLimitKey,
        more: u32,
        now: Timestamp,
    ) -> Result<u32, PortError> {
        let mut data = self.data();
        let count = data.counts.entry((key.clone(), limit.name, limit.window_of(now))).or_default();
        *count += more;
        Ok(*count)
    }

    async fn take_back(
        &self,
        limit: &RateLimit,
        key: &rate_limit::RateLimitKey,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut data = self.data();
        if let Some(count) = data.counts.get_mut(&(key.clone(), limit.name, limit.window_of(now))) {
            *count = count.saturating_sub(1);
        }
        Ok(())
    }
}
