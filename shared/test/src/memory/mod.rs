//! Every store port, in memory. It keeps the same contract as DynamoDB does.

mod accounts;
mod spaces;
mod tasks;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::Timestamp;

use taskbell_domain::{
    comment::Comment,
    credential::{Credential, Session},
    digest::Digest,
    id::{CommentId, NotificationId, SessionId, SpaceId, TaskId, UserId},
    invitation::Invitation,
    notification::Notification,
    ports::*,
    rate_limit,
    space::{Member, Space},
    statistics::Counts,
    task::Task,
    timer::Timer,
    user::User,
};

/// All data, in memory. A clone is the same store.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Data>>);

/// What is stored. A task and a notification stand together with the moment at which the index of timers shows them.
#[derive(Default)]
pub struct Data {
    /// Accounts.
    pub users: BTreeMap<UserId, User>,
    credentials: BTreeMap<String, Credential>,
    sessions: BTreeMap<(UserId, SessionId), Session>,
    /// Tasks.
    pub tasks: BTreeMap<TaskId, (Task, Option<Timer>)>,
    records: BTreeMap<(UserId, String), IdempotencyRecord>,
    spaces: BTreeMap<SpaceId, Space>,
    /// Who is in which shared space.
    pub members: BTreeMap<(SpaceId, UserId), Member>,
    invitations: BTreeMap<(SpaceId, String), Invitation>,
    invited: BTreeMap<(SpaceId, String), Timestamp>,
    books: BTreeMap<SpaceId, u64>,
    memberships: BTreeMap<UserId, u64>,
    comments: BTreeMap<(TaskId, CommentId), Comment>,
    /// Notifications.
    pub notifications: BTreeMap<NotificationId, (Notification, Option<Timer>)>,
    /// Digests.
    pub digests: BTreeMap<UserId, (Digest, Option<Timer>)>,
    counted: BTreeMap<TaskId, (u64, Counts)>,
    counter_groups: BTreeMap<SpaceId, Counts>,
    stopped: BTreeSet<String>,
    /// Whether a user is blocked, since when their tokens are valid, and which version of the profile says so.
    access: BTreeMap<(rate_limit::RateLimitKey, &'static str), (bool, Option<Timestamp>, u64)>,
    counts: BTreeMap<(rate_limit::RateLimitKey, &'static str), (Timestamp, u32)>,
}

impl Data {
    /// Lets what counts a user's requests say what the profile says, unless a later version has said it.
    fn store_access(&mut self, user: &User, limit: &rate_limit::RateLimit) {
        let access = (user.disabled_at.is_some(), user.tokens_valid_from, user.version);
        let stored =
            self.access.entry((rate_limit::RateLimitKey::user(user.id), limit.name)).or_default();
        if stored.2 <= user.version {
            *stored = access;
        }
    }
}

impl Memory {
    /// All that is stored but counts and credentials, as text: to see whether anything has changed.
    pub fn contents(&self) -> String {
        let data = self.data();
        let accounts = (&data.users, data.credentials.len(), &data.sessions, &data.stopped);
        let spaces = (&data.spaces, &data.members, &data.invitations);
        format!(
            "{:?}",
            (
                accounts,
                spaces,
                &data.tasks,
                &data.records,
                &data.comments,
                &data.notifications,
                &data.digests
            )
        )
    }

    /// What is stored.
    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().expect("not poisoned")
    }
}

/// What DynamoDB answers to a start key outside the key condition: a list goes on only behind a place in it.
fn in_the_list(operation: &'static str, holds: bool) -> Result<(), PortError> {
    let source = "ValidationException: a place outside the list".into();
    holds.then_some(()).ok_or(PortError { operation, transient: false, source })
}

impl Data {
    /// Keeps a record, or gives the one that is there.
    fn record(&mut self, record: Option<&IdempotencyRecord>) -> Option<IdempotencyRecord> {
        let record = record?;
        let key = (record.user, record.key_hash.clone());
        let used = self.records.get(&key).filter(|used| used.expires_at > record.created_at);
        if used.is_none() {
            self.records.insert(key, record.clone());
            return None;
        }
        used.cloned()
    }
}
