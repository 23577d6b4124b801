//! Accounts, and what limits them.

use std::cmp::Ordering;

use jiff::Timestamp;

use taskbell_domain::{
    credential::{Credential, Session},
    digest::Digest,
    email::EmailAddress,
    id::{SessionId, UserId},
    limit::{self, Limit},
    notice::Notice,
    ports::*,
    timer::Timer,
    user::User,
};

use super::{Memory, in_the_list};

impl Profiles for Memory {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.data().users.get(&id).cloned())
    }
}

impl ProfileChanges for Memory {
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
            let (moved, shown) = data.digests.entry(user.id).or_insert((first, None));
            moved.at = Some(timer.at);
            moved.version += 1;
            *shown = Some(timer);
        }
        Ok(Replaced::Done)
    }
}

impl Directory for Memory {
    async fn users(
        &self,
        begins: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> Result<UserPage, PortError> {
        let holds = |(email, _): &(String, UserId)| email.starts_with(begins);
        in_the_list("listing accounts", after.as_ref().is_none_or(holds))?;
        let data = self.data();
        let mut items: Vec<_> = data.users.values().cloned().collect();
        items.sort_by_key(|user| user.email.canonical());
        items.retain(|user| {
            let address = user.email.canonical();
            let behind = after.as_ref().is_none_or(|(last, _)| address > *last);
            address.starts_with(begins) && behind
        });
        let more = items.len() >= usize::from(limit);
        items.truncate(limit.into());
        let next = items.last().filter(|_| more).map(|last| (last.email.canonical(), last.id));
        Ok(UserPage { items, next })
    }
}

impl Accounts for Memory {
    async fn shut_out(&self, user: UserId, limit: &Limit, out: bool) -> Result<(), PortError> {
        let key = (limit::Subject::user(user), limit.name);
        let mut data = self.data();
        if out {
            data.shut_out.insert(key)
        } else {
            data.shut_out.remove(&key)
        };
        Ok(())
    }

    async fn close_sessions(&self, user: UserId) -> Result<(), PortError> {
        self.data().sessions.retain(|(of, _), _| *of != user);
        Ok(())
    }
}

impl Registrations for Memory {
    async fn register(
        &self,
        user: &User,
        credential: &Credential,
        notice: Option<&Notice>,
    ) -> Result<Registered, PortError> {
        let mut data = self.data();
        let address = user.email.canonical();
        if data.credentials.contains_key(&address) {
            return Ok(Registered::EmailTaken);
        }
        data.users.insert(user.id, user.clone());
        data.credentials.insert(address, credential.clone());
        data.notices.extend(notice.map(|notice| (notice.id, (notice.clone(), notice.timer()))));
        Ok(Registered::Done)
    }
}

impl Credentials for Memory {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        Ok(self.data().credentials.get(&email.canonical()).cloned())
    }

    async fn replace_credential(
        &self,
        email: &EmailAddress,
        credential: &Credential,
        code: &Notice,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let (data, address) = (&mut *self.data(), email.canonical());
        let last = data.resets.get(&address);
        let newest = last.is_none_or(|(by, at)| *by == code.id || *at < code.created_at);
        let stored = data.credentials.get_mut(&address);
        let Some(stored) = stored.filter(|stored| stored.user == credential.user && newest) else {
            return Ok(false);
        };
        *stored = credential.clone();
        data.resets.insert(address, (code.id, now));
        Ok(true)
    }
}

impl StoppedAddresses for Memory {
    async fn stop_address(&self, address_hash: &str, _now: Timestamp) -> Result<(), PortError> {
        self.data().stopped.insert(address_hash.to_owned());
        Ok(())
    }

    async fn is_stopped(&self, address_hash: &str) -> Result<bool, PortError> {
        Ok(self.data().stopped.contains(address_hash))
    }
}

impl Sessions for Memory {
    async fn open_session(&self, session: &Session) -> Result<(), PortError> {
        self.data().sessions.insert((session.user, session.id), session.clone());
        Ok(())
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
        if stored.token_hash != presented && stored.token_hash != next.token_hash {
            return Ok(Rotated::Reused);
        }
        *stored = next.clone();
        Ok(Rotated::Done)
    }

    async fn close_session(&self, user: UserId, session: SessionId) -> Result<(), PortError> {
        self.data().sessions.remove(&(user, session));
        Ok(())
    }
}

impl Limits for Memory {
    async fn count(
        &self,
        limit: &Limit,
        subject: &limit::Subject,
        more: u32,
        now: Timestamp,
    ) -> Result<Option<u32>, PortError> {
        let mut data = self.data();
        if data.shut_out.contains(&(subject.clone(), limit.name)) {
            return Ok(None);
        }
        let counted = data.counts.entry((subject.clone(), limit.name)).or_default();
        let window = limit.window_of(now);
        match counted.0.cmp(&window) {
            Ordering::Less => *counted = (window, more),
            Ordering::Equal => counted.1 += more,
            // This clock is behind: a later window has begun.
            Ordering::Greater => {}
        }
        Ok(Some(counted.1))
    }
}
