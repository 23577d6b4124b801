//! Keys of change feeds.

use taskbell_domain::id::{CommentId, SpaceId, TaskId, UserId};

use super::{member_of, space_of, task_of};

/// Sort key of the head of a feed. It sorts after all entries.
pub const FEED_HEAD: &str = "HEAD";

/// Key of the head of a feed.
pub fn feed_head(space: SpaceId) -> (String, String) {
    (feed_partition(space), FEED_HEAD.to_owned())
}

/// Key of changes that were appended together, by the number of the last one.
pub fn feed_entry(space: SpaceId, last: u64) -> (String, String) {
    (feed_partition(space), format!("{last:020}"))
}

fn feed_partition(space: SpaceId) -> String {
    format!("FEED#{}", space.body())
}

/// An item whose changes are changes of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// A task.
    Task(TaskId),
    /// A comment on a task.
    Comment(TaskId, CommentId),
    /// A space.
    Space(SpaceId),
    /// A member of a space.
    Member(SpaceId, UserId),
}

/// The item with a key. `None` if it is no part of a space that clients see. The filter of the stream in the template lets
/// the same items through.
pub fn changed(partition: &str, sort: &str) -> Option<Changed> {
    if let Some(task) = task_of(partition) {
        let comment = sort.strip_prefix("COMMENT#").and_then(|body| CommentId::from_body(body).ok());
        return match comment {
            Some(comment) => Some(Changed::Comment(task, comment)),
            None => (sort == "TASK").then_some(Changed::Task(task)),
        };
    }
    let space = space_of(partition)?;
    match member_of(sort) {
        Some(user) => Some(Changed::Member(space, user)),
        None => (sort == "SPACE").then_some(Changed::Space(space)),
    }
}
