//! All store ports in memory, with the same contract as the DynamoDB adapter.

mod account_changes;
mod account_deletions;
mod accounts;
mod api_tokens;
mod feeds;
mod imports;
mod live;
mod moves;
mod registrations;
mod second_factors;
mod spaces;
mod tasks;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::{Timestamp, civil::Date};

pub(crate) use feeds::Feed;
use taskbell_domain::{
    account_deletion::AccountDeletion,
    api_token::ApiToken,
    comment::Comment,
    credential::{Credential, Session},
    digest::Digest,
    id::{ApiTokenId, CommentId, NotificationId, SessionId, SpaceId, TaskId, UserId},
    invitation::Invitation,
    live::Connections,
    notification::Notification,
    ports::*,
    rate_limit,
    registration::RegistrationInvitation,
    second_factor::SecondFactor,
    space::{Member, Space},
    statistics::GroupCounters,
    task::Task,
    timer::Timer,
    user::User,
};

/// An in-memory store. A clone is the same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Data>>);

/// The stored data. Tasks, notifications and digests have the timer that the index of timers shows.
#[derive(Default)]
pub struct Data {
    /// Profiles.
    pub users: BTreeMap<UserId, User>,
    credentials: BTreeMap<String, Credential>,
    /// Until when the addresses are reserved that no account has any more.
    reserved_until: BTreeMap<String, Timestamp>,
    sessions: BTreeMap<(UserId, SessionId), Session>,
    second_factors: BTreeMap<UserId, SecondFactor>,
    api_tokens: BTreeMap<(UserId, ApiTokenId), (ApiToken, Option<Date>)>,
    /// How many API tokens each user has ever created.
    api_token_counts: BTreeMap<UserId, u64>,
    deletions: BTreeMap<UserId, AccountDeletion>,
    /// Tasks.
    pub tasks: BTreeMap<TaskId, (Task, Option<Timer>)>,
    records: BTreeMap<(UserId, String), IdempotencyRecord>,
    spaces: BTreeMap<SpaceId, Space>,
    /// Members of shared spaces.
    pub members: BTreeMap<(SpaceId, UserId), Member>,
    invitations: BTreeMap<(SpaceId, String), Invitation>,
    registration_invitations: BTreeMap<String, RegistrationInvitation>,
    invited: BTreeMap<(SpaceId, String), Timestamp>,
    books: BTreeMap<SpaceId, u64>,
    memberships: BTreeMap<UserId, u64>,
    comments: BTreeMap<(TaskId, CommentId), Comment>,
    /// Notifications.
    pub notifications: BTreeMap<NotificationId, (Notification, Option<Timer>)>,
    /// Digests.
    pub digests: BTreeMap<UserId, (Digest, Option<Timer>)>,
    contributions: BTreeMap<TaskId, (u64, SpaceId, GroupCounters)>,
    counter_groups: BTreeMap<SpaceId, GroupCounters>,
    suppressed: BTreeSet<String>,

    pub(crate) feeds: BTreeMap<SpaceId, Feed>,
    connections: BTreeMap<UserId, Connections>,
    connected_users: BTreeMap<String, UserId>,
    counts: BTreeMap<(rate_limit::RateLimitKey, &'static str, Timestamp), u32>,
}

impl MemoryStore {
    /// All data except counts and credentials, as text that shows whether anything has changed.
    pub fn contents(&self) -> String {
        let data = self.data();
        let tokens: Vec<_> = data.api_tokens.values().map(|(token, _)| token).collect();
        let accounts = (
            &data.users,
            &data.deletions,
            (data.credentials.len(), &data.reserved_until),
            &data.sessions,
            tokens,
            &data.suppressed,
        );
        let factors = &data.second_factors;
        let invitations = (&data.invitations, &data.registration_invitations);
        let spaces = (&data.spaces, &data.members, invitations);
        format!(
            "{:?}",
            (
                (accounts, factors),
                spaces,
                &data.tasks,
                &data.records,
                &data.comments,
                &data.notifications,
                &data.digests
            )
        )
    }

    /// The stored data, locked.
    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().expect("not poisoned")
    }
}

/// The error of DynamoDB for a start key outside the key condition.
fn check_start(operation: &'static str, is_inside: bool) -> Result<(), PortError> {
    let source = "ValidationException: the start position is outside the list".into();
    is_inside.then_some(()).ok_or(PortError { operation, transient: false, source })
}

impl Data {
    /// The stored record with the same key, if it has not expired.
    fn used(&self, record: Option<&IdempotencyRecord>) -> Option<IdempotencyRecord> {
        let record = record?;
        let used = self.records.get(&(record.user, record.key_hash.clone()));
        used.filter(|used| used.expires_at > record.created_at).cloned()
    }

    /// Stores a record, together with the change that it belongs to.
    fn remember(&mut self, record: Option<&IdempotencyRecord>) {
        self.records
            .extend(record.map(|record| ((record.user, record.key_hash.clone()), record.clone())));
    }
}
