//! Every store port, in memory. It keeps the same contract as DynamoDB does.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;

use taskbell_domain::{
    credential::{Credential, Session},
    email::EmailAddress,
    id::{SessionId, TaskId, UserId},
    list::{Position, TaskPage, TaskQuery},
    ports::*,
    task::Task,
    timer::Timer,
    user::User,
};

/// All data, in memory.
#[derive(Default)]
pub struct Memory(Mutex<Data>);

#[derive(Default)]
struct Data {
    users: BTreeMap<UserId, User>,
    credentials: BTreeMap<String, Credential>,
    sessions: BTreeMap<(UserId, SessionId), Session>,
    tasks: BTreeMap<TaskId, (Task, Option<Timer>)>,
    records: BTreeMap<(UserId, String), IdempotencyRecord>,
}

const TIMER_PAGE: usize = 100;

impl Memory {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().expect("not poisoned")
    }
}

impl Profiles for Memory {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.data().users.get(&id).cloned())
    }
}

impl ProfileChanges for Memory {
    async fn replace_user(&self, user: &User, expected: u64) -> Result<Replaced<User>, PortError> {
        let mut data = self.data();
        let stored = data.users.get(&user.id);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.users.insert(user.id, user.clone());
        Ok(Replaced::Done)
    }
}

impl Registrations for Memory {
    async fn register(&self, user: &User, credential: &Credential) -> Result<Registered, PortError> {
        let mut data = self.data();
        let address = user.email.canonical();
        if data.credentials.contains_key(&address) {
            return Ok(Registered::EmailTaken);
        }
        data.users.insert(user.id, user.clone());
        data.credentials.insert(address, credential.clone());
        Ok(Registered::Done)
    }
}

impl Credentials for Memory {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        Ok(self.data().credentials.get(&email.canonical()).cloned())
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

impl TaskReads for Memory {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        Ok(self.data().tasks.get(&id).map(|(task, _)| task.clone()))
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        let data = self.data();
        let mut found: Vec<_> = data
            .tasks
            .values()
            .map(|(task, _)| (Position::of(task, query.sort.by), task))
            .filter(|(_, task)| task.space == query.space && query.filter.admits(task))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        if query.sort.descending {
            found.reverse();
        }
        if let Some(after) = &query.after {
            found.retain(
                |(place, _)| {
                    if query.sort.descending { place < after } else { place > after }
                },
            );
        }
        let limit = usize::from(query.limit);
        let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
        found.truncate(limit);
        Ok(TaskPage { items: found.into_iter().map(|(_, task)| task.clone()).collect(), next })
    }
}

impl TaskCreation for Memory {
    async fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        now: Timestamp,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(record) = record {
            let key = (record.user, record.key_hash.clone());
            if let Some(used) = data.records.get(&key).filter(|used| used.expires_at > now) {
                return Ok(Created::KeyUsed(used.clone()));
            }
            data.records.insert(key, record.clone());
        }
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        Ok(Created::Done)
    }
}

impl TaskChanges for Memory {
    async fn task_and_user(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>), PortError> {
        Ok((self.task(task).await?, self.user(user).await?))
    }

    async fn replace(&self, task: &Task, expected: u64) -> Result<Replaced<Task>, PortError> {
        let mut data = self.data();
        let stored = data.tasks.get(&task.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        Ok(Replaced::Done)
    }

    async fn delete(&self, id: TaskId, expected: u64) -> Result<Replaced<Task>, PortError> {
        let mut data = self.data();
        let stored = data.tasks.get(&id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.tasks.remove(&id);
        Ok(Replaced::Done)
    }
}

impl Timers for Memory {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        let data = self.data();
        let mut timers: Vec<Timer> = data
            .tasks
            .values()
            .filter_map(|(_, timer)| *timer)
            .filter(|t| t.task_id.spread() % TIMER_SHARDS == shard && t.at <= until)
            .filter(|t| after.is_none_or(|after| *t > after))
            .collect();
        timers.sort();
        let next = (timers.len() > TIMER_PAGE).then(|| timers[TIMER_PAGE - 1]);
        timers.truncate(TIMER_PAGE);
        Ok(TimerPage { timers, next })
    }

    async fn postpone(&self, timer: Timer, to: Timestamp) -> Result<(), PortError> {
        if let Some((_, stored)) = self.data().tasks.get_mut(&timer.task_id)
            && *stored == Some(timer)
        {
            *stored = Some(Timer { at: to, ..timer });
        }
        Ok(())
    }
}
