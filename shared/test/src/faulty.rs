//! Fault injection: a store whose calls can fail, stop their caller or take long, before or after their effect.

use std::{collections::BTreeMap, pin::Pin, sync::Mutex};

use jiff::{Timestamp, civil::Date};

use taskbell_domain::{
    account_deletion::AccountDeletion,
    api_token::{ApiToken, ApiTokenList},
    comment::Comment,
    credential::{CheckedPassword, Credential, Session},
    digest::Digest,
    email::EmailAddress,
    feed::{Change, FeedEntry, FeedHead},
    id::{ApiTokenId, CommentId, NotificationId, SessionId, SpaceId, TaskId, UserId},
    invitation::{Invitation, InvitationBook},
    list::{TaskPage, TaskQuery},
    live::Connections,
    membership::MemberChange,
    notification::Notification,
    ports::*,
    rate_limit::{RateLimit, RateLimitKey},
    registration::RegistrationInvitation,
    second_factor::SecondFactor,
    space::{self, Member, Role, Space},
    statistics::{Contribution, CounterGroup, CounterGroups, Counters},
    task::Task,
    timer::Timer,
    user::{AccountState, User},
};

use crate::contract::Store;

/// Whether a fault happens before or after the effect of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Before the effect.
    Before,
    /// After the effect, before the caller knows of it.
    After,
}

/// Decides which calls fail.
pub trait Faults: Send + Sync {
    /// Called at each point at which a caller waits. It can return at once, later, never, or with an error.
    fn pass(
        &self,
        call: &'static str,
        side: Side,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The timers that an eventually consistent index shows. It can hide some for a while.
    fn shown(&self, timers: Vec<Timer>) -> Vec<Timer> {
        timers
    }
}

/// Runs an action before the effect of a call: a concurrent change between a read and a write.
#[derive(Default)]
pub struct Meddler(Mutex<Option<(&'static str, Action)>>);

type Action = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Meddler {
    /// Runs an action once, before the next call of this name.
    pub fn before(&self, call: &'static str, action: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().expect("not poisoned") = Some((call, Box::pin(action)));
    }

    /// Whether the action has run.
    pub fn is_done(&self) -> bool {
        self.0.lock().expect("not poisoned").is_none()
    }
}

impl Faults for Meddler {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        let here = |(name, _): &mut (&str, Action)| side == Side::Before && *name == call;
        let action = self.0.lock().expect("not poisoned").take_if(here);
        if let Some((_, action)) = action {
            action.await;
        }
        Ok(())
    }
}

/// The error of a call that fails by injection.
pub fn injected(operation: &'static str) -> PortError {
    PortError { operation, transient: true, source: "injected fault".into() }
}

/// A store with faults.
pub struct Faulty<S, F> {
    /// The store.
    pub store: S,
    /// The faults.
    pub faults: F,
}

impl<S, F: Faults> Faulty<S, F> {
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        self.faults.pass(name, Side::Before).await?;
        let answer = effect.await?;
        self.faults.pass(name, Side::After).await?;
        Ok(answer)
    }
}

/// Forwards each method of each port to the store, with faults before and after.
macro_rules! faulty {
    ($($port:ident {
        $(fn $method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {
        $(impl<S: Store, F: Faults> $port for Faulty<S, F> {
            $(async fn $method(&self, $($name: $type),*) -> Result<$answer, PortError> {
                self.call(stringify!($method), self.store.$method($($name),*)).await
            })*
        })*
    };
}

faulty! {
    Profiles {
        fn user(id: UserId) -> Option<User>;
    }
    ProfileChanges {
        fn replace_user(user: &User, expected: u64, digest: Option<Timer>) -> Replaced<User>;
    }
    Directory {
        fn users(prefix: &str, after: Option<(String, UserId)>, limit: u8) -> UserPage;
    }
    Accounts {
        fn close_sessions(user: UserId) -> ();
    }
    AccountStates {
        fn account_state(id: UserId) -> Option<AccountState>;
    }
    AccountDeletions {
        fn delete_account(user: &User, previous: &[EmailAddress], deletion: AccountDeletion) -> bool;
        fn unfinished_deletions() -> Vec<AccountDeletion>;
        fn delete_items_of(user: UserId) -> ();
        fn finish_deletion(user: UserId) -> ();
    }
    ApiTokens {
        fn api_token(user: UserId, id: ApiTokenId) -> Option<ApiToken>;
        fn record_api_token_use(token: &ApiToken, day: Date) -> ();
    }
    ApiTokenChanges {
        fn api_tokens(user: UserId) -> ApiTokenList;
        fn add_api_token(token: &ApiToken, expected: u64, notifications: &[Notification]) -> bool;
        fn delete_api_token(token: &ApiToken) -> ();
    }
    SecondFactors {
        fn second_factor(user: UserId) -> Option<SecondFactor>;
        fn store_second_factor(
            factor: &SecondFactor, expected: Option<u64>, notifications: &[Notification]
        ) -> bool;
    }
    SecondFactorChanges {
        fn confirm_second_factor(factor: &SecondFactor, user: &User, notification: &Notification) -> bool;
        fn remove_second_factor(removal: FactorRemoval<'_>) -> bool;
    }
    Redemptions {
        fn redeem(redemption: Redemption<'_>) -> bool;
    }
    PasswordChanges {
        fn change_password(change: PasswordChange<'_>) -> bool;
    }
    EmailChanges {
        fn change_email(change: EmailChange<'_>) -> EmailChanged;
        fn restore_email(restoration: EmailRestoration<'_>) -> bool;
    }
    Registrations {
        fn register(
            user: &User, credential: &Credential, notification: Option<&Notification>
        ) -> Registered;
        fn inviters(address_hash: &str, now: Timestamp, max: usize) -> Vec<UserId>;
    }
    RegistrationInvitations {
        fn registration_invitation(address_hash: &str) -> Option<RegistrationInvitation>;
        fn revoke_registration(address_hash: &str) -> ();
        fn invite_to_register(invitation: &RegistrationInvitation, notification: &Notification) -> ();
    }
    Credentials {
        fn credential(email: &EmailAddress) -> Option<Credential>;
    }
    SuppressedAddresses {
        fn suppress_address(address_hash: &str, now: Timestamp) -> ();
        fn is_suppressed(address_hash: &str) -> bool;
    }
    Sessions {
        fn open_session(session: &Session, checked: CheckedPassword<'_>) -> bool;
        fn has_session(user: UserId, session: SessionId, now: Timestamp) -> bool;
        fn rotate_session(next: &Session, presented: &str, now: Timestamp) -> Rotated;
        fn sessions(user: UserId, limit: u8) -> Vec<Session>;
        fn close_other_sessions(user: UserId, kept: SessionId) -> ();
        fn close_session(user: UserId, session: SessionId) -> ();
    }
    RateLimits {
        fn record(limit: &RateLimit, key: &RateLimitKey, more: u32, now: Timestamp) -> u32;
        fn take_back(limit: &RateLimit, key: &RateLimitKey, now: Timestamp) -> ();
    }
    Memberships {
        fn role(space: SpaceId, user: UserId) -> Option<Role>;
        fn space_ids(user: UserId) -> Vec<SpaceId>;
        fn spaces_of(user: UserId) -> Vec<(Space, Role)>;
    }
    SpaceReads {
        fn space_and_member(space: SpaceId, user: UserId) -> Option<(Space, Member)>;
        fn members(space: SpaceId) -> Vec<(Member, User)>;
        fn space_and_members(space: SpaceId) -> Option<(Space, Vec<Member>)>;
        fn space(id: SpaceId) -> Option<Space>;
        fn invitations(space: SpaceId) -> Vec<Invitation>;
        fn invitation(space: SpaceId, address_hash: &str) -> Option<Invitation>;
    }
    SpaceChanges {
        fn memberships(user: UserId) -> space::Memberships;
        fn create_space(
            space: &Space, owner: &Member, memberships: Option<u64>, record: Option<&IdempotencyRecord>
        ) -> Option<Created>;
        fn replace_space(space: &Space, expected: u64) -> Replaced<Space>;
        fn change_member(space: &Space, expected: u64, change: &MemberChange) -> bool;
        fn invite(
            invitation: &Invitation, notification: &Notification, book: Option<u64>, record: Option<&IdempotencyRecord>
        ) -> Option<Created>;
        fn invitation_book(space: SpaceId, address_hash: &str) -> InvitationBook;
        fn revoke(space: SpaceId, address_hash: &str) -> ();
        fn purge_space(space: SpaceId) -> ();
    }
    TaskReads {
        fn task(id: TaskId) -> Option<Task>;
        fn list(query: &TaskQuery) -> TaskPage;
    }
    Comments {
        fn add_comment(comment: &Comment, record: Option<&IdempotencyRecord>) -> Commented;
        fn comment(task: TaskId, id: CommentId) -> Option<Comment>;
        fn comments(task: TaskId, after: Option<CommentId>, limit: u8) -> CommentPage;
        fn replace_comment(comment: &Comment, expected: u64) -> Replaced<Comment>;
        fn delete_comment(task: TaskId, id: CommentId) -> ();
    }
    FeedChanges {
        fn append_changes(
            space: SpaceId, changes: &[Change], since: Timestamp, now: Timestamp
        ) -> Option<Vec<FeedEntry>>;
        fn end_feed(space: SpaceId, now: Timestamp) -> ();
    }
    FeedReads {
        fn feed_heads(spaces: &[SpaceId]) -> BTreeMap<SpaceId, FeedHead>;
        fn feed_entries(space: SpaceId, after: u64, limit: u8, now: Timestamp) -> Option<Vec<FeedEntry>>;
    }
    LiveConnections {
        fn connections(user: UserId) -> Connections;
        fn connections_of(users: &[UserId]) -> Vec<Connections>;
        fn replace_connections(connections: &Connections, expected: u64) -> Replaced<Connections>;
        fn connected_user(connection: &str) -> Option<UserId>;
        fn remember_connection(connection: &str, user: UserId, expires_at: Timestamp) -> ();
        fn forget_connection(connection: &str) -> ();
    }
    StatisticsUpdates {
        fn record_contributions(contributions: &[Contribution]) -> ();
    }
    StatisticsReads {
        fn counter_groups(space: SpaceId, of: CounterGroups, after: Option<CounterGroup>, limit: Option<u8>) -> CounterGroupPage;
    }
    IdempotencyRecords {
        fn records(user: UserId, key_hashes: Vec<String>, now: Timestamp) -> Vec<IdempotencyRecord>;
    }
    Quotas {
        fn counters(space: SpaceId) -> Counters;
    }
    TaskCreation {
        fn create(
            task: &Task, record: Option<&IdempotencyRecord>, notification: Option<&Notification>
        ) -> Created;
    }
    TaskChanges {
        fn replace(task: &Task, expected: u64, also: AtomicExtras<'_>) -> Replaced<Task>;
        fn task_and_comments(id: TaskId) -> (Option<Task>, bool);
        fn delete(
            id: TaskId, expected: u64, comments: bool, record: Option<&IdempotencyRecord>
        ) -> Replaced<Task>;
    }
    TaskMoves {
        fn move_task(moved: TaskMove<'_>) -> Moved;
    }
    TaskImports {
        fn import_task(task: &Task) -> Imported;
    }
    Notifications {
        fn notification(id: NotificationId) -> Option<Notification>;
        fn add_notification(notification: &Notification, record: Option<&IdempotencyRecord>) -> Created;
        fn replace_notification(notification: &Notification, expected: u64) -> Replaced<Notification>;
        fn set_invitation_secret(invitation: &Invitation, secret_hash: &str) -> bool;
    }
    Digests {
        fn digest(user: UserId) -> Option<Digest>;
        fn replace_digest(
            digest: &Digest, expected: u64, notification: Option<&Notification>
        ) -> Replaced<Digest>;
    }
}

impl<S: Store, F: Faults> Timers for Faulty<S, F> {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        let mut page = self.call("timers", self.store.timers(shard, until, after)).await?;
        page.timers = self.faults.shown(page.timers);
        Ok(page)
    }

    async fn postpone(&self, timer: Timer, to: Timestamp) -> Result<(), PortError> {
        self.call("postpone", self.store.postpone(timer, to)).await
    }
}
