//! The change feed of a space: what changed in it, in one order for all clients.
//!
//! A client remembers a position in the feed and asks for what came after. Entries are numbered without gaps, each change is
//! one entry, and an entry says what changed, not how: a client gets the object as it is now.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

use crate::{
    id::{CommentId, InvalidId, SpaceId, TaskId, UserId},
    string_enum::string_enum,
};

/// How long entries are kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much earlier an entry can seem to be than its change, because they were timed by different clocks.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// Lists are eventually consistent: they may lack a change of the last moments. So a client that starts to follow a feed
/// starts this far back, which is longer than any list needs.
pub const START_OVERLAP: SignedDuration = SignedDuration::from_mins(2);

string_enum!(Operation, "What happened to an object.",
    Created = "created": "It was created.",
    Updated = "updated": "It was changed.",
    Deleted = "deleted": "It was deleted.",
);

/// An object in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The space itself: its name or its number of members.
    Space,
    /// A member.
    Member(UserId),
    /// A task.
    Task(TaskId),
    /// A comment on a task.
    Comment(TaskId, CommentId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space => f.write_str("space"),
            Self::Member(user) => write!(f, "{user}"),
            Self::Task(task) => write!(f, "{task}"),
            Self::Comment(task, comment) => write!(f, "{task}/{comment}"),
        }
    }
}

impl FromStr for Subject {
    type Err = InvalidId;

    /// Reads what [`fmt::Display`] wrote.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text == "space" {
            return Ok(Self::Space);
        }
        match text.split_once('/') {
            Some((task, comment)) => Ok(Self::Comment(task.parse()?, comment.parse()?)),
            None => text.parse().map(Self::Task).or_else(|_| text.parse().map(Self::Member)),
        }
    }
}

/// A change of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id of the record of the change: the same whenever it is received again.
    pub id: String,
    /// The object.
    pub subject: Subject,
    /// What happened to it.
    pub operation: Operation,
    /// The version of the object after the change, or the last one of a deleted object. 0 for members, which have none.
    pub version: u64,
}

/// Where something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this space.
    Space(SpaceId),
    /// In the space of this task.
    Task(TaskId),
}

/// A change as the store reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChange {
    /// Where it happened.
    pub place: Place,
    /// The change.
    pub change: Change,
    /// When it happened, by the clock of the store.
    pub recorded_at: Timestamp,
}

/// An entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its number in the feed of the space, from 1.
    pub sequence: u64,
    /// The change.
    pub change: Change,
}

/// How far a feed has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedHead {
    /// The number of the last entry.
    pub sequence: u64,
    /// When it was appended.
    pub appended_at: Timestamp,
    /// The number of the last entry before `marked_at`.
    pub mark: u64,
    /// When `mark` was set.
    pub marked_at: Timestamp,
    /// Where a client that started at `marked_at` starts.
    pub settled: u64,
}

impl FeedHead {
    /// The head of a feed without entries.
    pub fn new(now: Timestamp) -> Self {
        Self { sequence: 0, appended_at: now, mark: 0, marked_at: now, settled: 0 }
    }

    /// The head after entries were appended.
    #[must_use]
    pub fn advanced(self, entries: u64, now: Timestamp) -> Self {
        let mut next = Self { sequence: self.sequence + entries, appended_at: now, ..self };
        if now.duration_since(self.marked_at) >= START_OVERLAP {
            (next.settled, next.mark, next.marked_at) = (self.start(now), self.sequence, now);
        }
        next
    }

    /// Where a client starts to follow the feed: every entry of the last [`START_OVERLAP`] comes after it.
    pub fn start(&self, now: Timestamp) -> u64 {
        let is_old = |at| now.duration_since(at) >= START_OVERLAP;
        match (is_old(self.appended_at), is_old(self.marked_at)) {
            (true, _) => self.sequence,
            (false, true) => self.mark,
            (false, false) => self.settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subject_is_read_as_it_was_written() {
        let (task, user) = ("tsk_01JNBZ4S4GAPTCFXB6GJ7MXZ0Q", "usr_01JNBZ4S4GAPTCFXB6GJ7MXZ0Q");
        let comment = format!("{task}/cmt_01JNBZ4S4GAPTCFXB6GJ7MXZ0Q");
        for text in ["space", task, user, &comment] {
            let subject: Subject = text.parse().expect(text);
            assert_eq!(subject.to_string(), text);
        }
        for bad in ["", "spaces", "tsk_", "cmt_01JNBZ4S4GAPTCFXB6GJ7MXZ0Q", "usr_x/cmt_y"] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_client_starts_before_every_recent_entry_and_not_much_before(
            pauses in prop::collection::vec((0..400_i64, 1..5_u64), 1..40),
            later in 0..400_i64,
        ) {
            let mut now = Timestamp::UNIX_EPOCH;
            let (mut head, mut appended) = (FeedHead::new(now), Vec::new());
            for (pause, entries) in pauses {
                now += SignedDuration::from_secs(pause);
                head = head.advanced(entries, now);
                appended.extend((0..entries).map(|_| now));
            }
            now += SignedDuration::from_secs(later);
            let start = head.start(now);
            let (before, after) = appended.split_at(usize::try_from(start).unwrap());
            prop_assert!(before.iter().all(|at| now.duration_since(*at) >= START_OVERLAP));
            let is_recent = |at: &Timestamp| now.duration_since(*at) <= START_OVERLAP * 3;
            prop_assert!(after.iter().all(is_recent), "older changes are repeated");
        }
    }
}
