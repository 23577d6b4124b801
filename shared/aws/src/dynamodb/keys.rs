//! Every key string of both tables and all indexes, and the names of the attributes that hold them.
//!
//! | Item | `pk` | `sk` |
//! |---|---|---|
//! | profile | `USER#<user>` | `PROFILE` |
//! | session | `SESSION#<user>` | `SESSION#<session>` |
//! | API token | `APITOKENS#<user>` | `APITOKEN#<token>` |
//! | number of API tokens ever created | `APITOKENS#<user>` | `COUNT` |
//! | day of the last use of an API token | `APITOKENUSE#<user>` | `APITOKEN#<token>` |
//! | deletion of an account that has not finished | `DELETIONS` | `USER#<user>` |
//! | second factor of a user | `FACTOR#<user>` | `TOTP` |
//! | credential, or reservation of a previous address | `EMAIL#<canonical address>` | `CREDENTIAL` |
//! | suppressed address | `ADDRESS#<hash of the canonical address>` | `STOPPED` |
//! | task | `TASK#<task>` | `TASK` |
//! | comment | `TASK#<task>` | `COMMENT#<comment>` |
//! | number of comments on a task | `TASK#<task>` | `COMMENTS` |
//! | space | `SPACE#<space>` | `SPACE` |
//! | member of a space | `SPACE#<space>` | `MEMBER#<user>` |
//! | invitation | `SPACE#<space>` | `INVITATION#<hash of the canonical address>` |
//! | number of invitations ever created | `SPACE#<space>` | `INVITATIONS` |
//! | time of an address's last invitation | `SPACE#<space>` | `INVITED#<hash of the canonical address>` |
//! | pointer from an invited address to the space | `INVITEE#<hash of the canonical address>` | `SPACE#<space>` |
//! | operator's invitation of an address to register | `INVITEE#<hash of the canonical address>` | `REGISTRATION` |
//! | number of spaces ever joined | `USER#<user>` | `MEMBERSHIPS` |
//! | pointer from a user to a space | `USER#<user>` | `SPACE#<space>` |
//! | notification | `NOTICE#<notification>` | `NOTICE` |
//! | digest of a user | `DIGEST#<user>` | `DIGEST` |
//! | rate limit counter | `LIMIT#<key>` | `<limit>#<start of the window>` |
//! | contribution of a task to the statistics | `COUNTED#<task>` | `COUNTED` |
//! | counter group of a space | `COUNTS#<space>` | `TASKS`, `TAG#<tag>`, `CATEGORY#<category>`, `DUE#<day>`, `COMPLETED#<day>` |
//! | head of the change feed of a space | `FEED#<space>` | `HEAD` |
//! | changes that were appended to it together | `FEED#<space>` | `<number of the last one, 20 digits>` |
//! | live connections of a user | `LIVE#<user>` | `CONNECTIONS` |
//! | user of a live connection | `CONNECTION#<id from API Gateway>` | `USER` |
//! | idempotency record | `IDEMPOTENCY#<user>#<hash of the key>` | `IDEMPOTENCY` |
//!
//! Partitions of different kinds have different prefixes, since a policy can restrict a role to partition keys
//! (`dynamodb:LeadingKeys`), but not to sort keys: a role for `USER#…` cannot read a password hash, and a role that opens
//! sessions cannot change a profile.

use jiff::Timestamp;
use taskbell_domain::{
    id::{CommentId, NotificationId, SpaceId, TaskId, UserId},
    ports::TIMER_SHARDS,
    rate_limit::{RateLimit, RateLimitKey},
    statistics::{CounterGroup, CounterGroups},
    task::Status,
    text::{Category, Tag},
    timer::{Timer, TimerTarget},
};

/// Partition key of both tables.
pub const PK: &str = "pk";
/// Sort key of both tables.
pub const SK: &str = "sk";
/// The time from which DynamoDB may delete the item, in seconds since 1970 (time to live).
pub const EXPIRES_AT: &str = "expires_at";
/// The format in which an item was last stored.
pub const FORMAT: &str = "format";
/// The current format, incremented when stored data changes its meaning. Unknown attributes of later formats are kept.
pub const FORMAT_NUMBER: u8 = 2;
/// The number of changes of an item.
pub const VERSION: &str = "version";
/// The number of writes of a task.
pub const REVISION: &str = "revision";
/// The count against a rate limit.
pub const COUNT: &str = "count";
/// What the last write of a task changed. The filter of the stream in the template reads it.
pub const LAST_WRITE: &str = "last_write";
/// The map with all that a client sees of a task, the only attribute that indexes of lists project.
pub const TASK_MAP: &str = "task";

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Its name in the template.
    pub name: &'static str,
    /// The attribute with its partition key.
    pub partition: &'static str,
    /// The attribute with its sort key.
    pub sort: &'static str,
}

/// All tasks of a space, by time of creation.
pub const BY_CREATED: Index = Index { name: "by-created", partition: "space_key", sort: PK };
/// All tasks of a space, by due time.
pub const BY_DUE: Index = Index { name: "by-due", partition: "space_key", sort: "due_key" };
/// The tasks of a space with one status, by due time.
pub const BY_STATUS: Index = Index { name: "by-status", partition: "status_key", sort: "due_key" };
/// The open or the completed tasks of a space, by priority and then due time.
pub const BY_PRIORITY: Index =
    Index { name: "by-priority", partition: "stage_key", sort: "priority_key" };
/// All tasks of a space, by time of the last change.
pub const BY_UPDATED: Index = Index { name: "by-updated", partition: "space_key", sort: "updated_key" };
/// All tasks of a space, by title.
pub const BY_TITLE: Index = Index { name: "by-title", partition: "space_key", sort: "title_key" };
/// The open or the completed tasks that are assigned to a user, in all spaces, by due time.
pub const BY_ASSIGNEE: Index =
    Index { name: "by-assignee", partition: "assignee_key", sort: "due_key" };
/// All timers, by time; keys only.
pub const DUE_TIMERS: Index = Index { name: "due-timers", partition: "timer_shard", sort: "timer_key" };

/// All profiles, by email address: the only index of the accounts table.
pub const BY_EMAIL: Index = Index { name: "by-email", partition: "directory", sort: "email_key" };

/// The only partition of [`BY_EMAIL`]: accounts are created and changed rarely.
pub const DIRECTORY: &str = "USERS";

/// All indexes of the tasks table, as the template declares them.
pub const INDEXES: [Index; 8] =
    [BY_CREATED, BY_DUE, BY_STATUS, BY_PRIORITY, BY_UPDATED, BY_TITLE, BY_ASSIGNEE, DUE_TIMERS];

/// Key of the counter of a rate limit in the window that starts then.
pub fn rate_limit(limit: &RateLimit, key: &RateLimitKey, window: Timestamp) -> (String, String) {
    let key = match key {
        RateLimitKey::User(id) => format!("USER#{}", id.body()),
        RateLimitKey::ApiToken(id) => format!("APITOKEN#{}", id.body()),
        RateLimitKey::IpAddress(hash) => format!("ADDRESS#{hash}"),
        RateLimitKey::Account(hash) => format!("ACCOUNT#{hash}"),
        RateLimitKey::Pair { from, to } => format!("PAIR#{}#{}", from.body(), to.body()),
        RateLimitKey::Mailbox(hash) => format!("MAILBOX#{hash}"),
    };
    (format!("LIMIT#{key}"), format!("{}#{}", limit.name, window.as_second()))
}

/// Key of a task.
pub fn task(task: TaskId) -> (String, String) {
    (format!("TASK#{}", task.body()), "TASK".to_owned())
}

/// The task of a partition.
pub fn task_of(partition: &str) -> Option<TaskId> {
    created_position(partition).and_then(|body| TaskId::from_body(body).ok())
}

/// The position in [`BY_CREATED`] of the task of a partition: the id after the prefix.
pub fn created_position(partition: &str) -> Option<&str> {
    partition.strip_prefix("TASK#")
}

/// Key of a comment. It sorts before the task.
pub fn comment(of: TaskId, comment: CommentId) -> (String, String) {
    (task(of).0, format!("COMMENT#{}", comment.body()))
}

/// Partition of the comments on a task, and the prefix of their sort keys.
pub fn comments_of(of: TaskId) -> (String, &'static str) {
    (task(of).0, "COMMENT#")
}

/// Key of the number of comments on a task.
pub fn comment_count(of: TaskId) -> (String, String) {
    (task(of).0, "COMMENTS".to_owned())
}

/// Partition of the comments on a task and of their number, and the prefix of their sort keys.
pub fn all_comments_of(of: TaskId) -> (String, &'static str) {
    (task(of).0, "COMMENT")
}

/// Key of a space.
pub fn space(space: SpaceId) -> (String, String) {
    (space_partition(space), "SPACE".to_owned())
}

/// Key of a member of a space.
pub fn member(space: SpaceId, user: UserId) -> (String, String) {
    (space_partition(space), format!("MEMBER#{}", user.body()))
}

/// The user of the sort key of a member.
pub fn member_of(sort: &str) -> Option<UserId> {
    sort.strip_prefix("MEMBER#").and_then(|body| UserId::from_body(body).ok())
}

/// Partition of the members of a space, and the prefix of their sort keys.
pub fn members_of(space: SpaceId) -> (String, &'static str) {
    (space_partition(space), "MEMBER#")
}

/// Key of the number of spaces that a user has ever created or joined.
pub fn memberships(user: UserId) -> (String, String) {
    (spaces_of(user).0, "MEMBERSHIPS".to_owned())
}

/// Key of the pointer from a user to a space.
pub fn membership_pointer(space: SpaceId, user: UserId) -> (String, String) {
    (format!("USER#{}", user.body()), space_partition(space))
}

/// Partition of the pointers from a user to their spaces, and the prefix of their sort keys.
pub fn spaces_of(user: UserId) -> (String, &'static str) {
    (format!("USER#{}", user.body()), "SPACE#")
}

/// Key of a notification.
pub fn notification(notification: NotificationId) -> (String, String) {
    (format!("NOTICE#{}", notification.body()), "NOTICE".to_owned())
}

/// Key of the digest of a user.
pub fn digest(user: UserId) -> (String, String) {
    (format!("DIGEST#{}", user.body()), "DIGEST".to_owned())
}

/// Key of the item that a timer belongs to.
pub fn timer_target(target: TimerTarget) -> (String, String) {
    match target {
        TimerTarget::Task(id) => task(id),
        TimerTarget::Notification(id) => notification(id),
        TimerTarget::Digest(id) => digest(id),
    }
}

/// Key of the contribution of a task.
pub fn contribution(task: TaskId) -> (String, String) {
    (format!("COUNTED#{}", task.body()), "COUNTED".to_owned())
}

/// Partition of the groups of a space, and the prefix of their sort keys.
pub fn counters_of(space: SpaceId) -> (String, &'static str) {
    (format!("COUNTS#{}", space.body()), "")
}

/// Key of a group of a space.
pub fn counter_group(space: SpaceId, group: &CounterGroup) -> (String, String) {
    (counters_of(space).0, counter_group_sort(group))
}

/// Sort key of a group.
pub fn counter_group_sort(group: &CounterGroup) -> String {
    match group {
        CounterGroup::Tasks => "TASKS".to_owned(),
        CounterGroup::Tag(tag) => format!("TAG#{}", tag.as_str()),
        CounterGroup::Category(category) => format!("CATEGORY#{}", category.as_str()),
        CounterGroup::Due(day) => format!("DUE#{day}"),
        CounterGroup::Completed(day) => format!("COMPLETED#{day}"),
    }
}

/// Reads what [`counter_group_sort`] wrote.
pub fn parse_counter_group(sort: &str) -> Option<CounterGroup> {
    if sort == "TASKS" {
        return Some(CounterGroup::Tasks);
    }
    match sort.split_once('#')? {
        ("TAG", tag) => Tag::parse(tag).ok().map(CounterGroup::Tag),
        ("CATEGORY", category) => Category::parse(category).ok().map(CounterGroup::Category),
        ("DUE", day) => day.parse().ok().map(CounterGroup::Due),
        ("COMPLETED", day) => day.parse().ok().map(CounterGroup::Completed),
        _ => None,
    }
}

/// The first and last sort key of the groups of a range, both inclusive.
pub fn counter_group_bounds(of: CounterGroups) -> (String, String) {
    // The last code point sorts after all characters that can follow.
    let all = |prefix: &str| (prefix.to_owned(), format!("{prefix}\u{10ffff}"));
    match of {
        CounterGroups::Tags => all("TAG#"),
        CounterGroups::Categories => all("CATEGORY#"),
        CounterGroups::DueUntil(day) => ("DUE#".to_owned(), format!("DUE#{day}")),
        CounterGroups::CompletedSince(day) => (format!("COMPLETED#{day}"), all("COMPLETED#").1),
    }
}

/// Key of an idempotency record.
pub fn idempotency(user: UserId, key_hash: &str) -> (String, String) {
    (format!("IDEMPOTENCY#{}#{key_hash}", user.body()), "IDEMPOTENCY".to_owned())
}

/// Partition of [`BY_CREATED`] and [`BY_DUE`].
pub fn space_partition(space: SpaceId) -> String {
    format!("SPACE#{}", space.body())
}

/// The space of a partition.
pub fn space_of(partition: &str) -> Option<SpaceId> {
    partition.strip_prefix("SPACE#").and_then(|body| SpaceId::from_body(body).ok())
}

/// Partition of [`BY_STATUS`].
pub fn status_partition(space: SpaceId, status: Status) -> String {
    format!("SPACE#{}#STATUS#{}", space.body(), status.as_str())
}

/// Whether a task is completed, as a part of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Pending or in progress.
    Open,
    /// Completed.
    Done,
}

impl Stage {
    /// The stage of a task with that status.
    pub fn of(status: Status) -> Self {
        match status {
            Status::Pending | Status::InProgress => Self::Open,
            Status::Completed => Self::Done,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Done => "DONE",
        }
    }
}

/// Partition of [`BY_PRIORITY`]. Completed tasks accumulate over the years; in a partition of their own they do not slow
/// down lists of open tasks.
pub fn stage_partition(space: SpaceId, stage: Stage) -> String {
    format!("SPACE#{}#{}", space.body(), stage.as_str())
}

/// Partition of [`BY_ASSIGNEE`].
pub fn assignee_partition(user: UserId, stage: Stage) -> String {
    format!("USER#{}#{}", user.body(), stage.as_str())
}

/// Partition of [`DUE_TIMERS`].
pub fn timer_shard(shard: u8) -> String {
    format!("TIMER#{shard:02}")
}

/// The shard of a timer.
pub fn shard_of(target: TimerTarget) -> u8 {
    target.jitter_seed() % TIMER_SHARDS
}

/// Sort key of [`DUE_TIMERS`]: `<instant>#<id>`.
pub fn timer(timer: &Timer) -> String {
    format!("{}#{}", timer.at, timer.target)
}

/// The inverse of [`timer`].
pub fn parse_timer(sort_key: &str) -> Option<Timer> {
    let (at, target) = sort_key.split_once('#')?;
    Some(Timer { at: at.parse().ok()?, target: target.parse().ok()? })
}

/// A bound that sorts after every timer at `until` and before every later one.
pub fn timers_until(until: Timestamp) -> String {
    format!("{until}#~")
}

mod accounts;
mod counters;
mod factors;
mod feeds;
mod invitations;
mod live;
#[cfg(test)]
mod tests;

pub use accounts::*;
pub use counters::{counter, parse_counter};
pub use factors::second_factor;
pub use feeds::{Changed, FEED_HEAD, changed, feed_entry, feed_head};
pub use invitations::*;
pub use live::{connected_user, connections};
