//! Timers: when something must happen to a task, a notification or a digest.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::id::{InvalidId, NotificationId, TaskId, UserId};

/// How far ahead a dispatch run looks. Runs start every minute, so one missed run does not delay a timer.
pub const DISPATCH_HORIZON: SignedDuration = SignedDuration::from_secs(120);

/// How long after its time a dispatched timer is dispatched again, in case the queue or the worker lost it.
pub const RECHECK_AFTER: SignedDuration = SignedDuration::from_secs(600);

/// What a timer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerTarget {
    /// A task: a reminder is due, or the task completes itself.
    Task(TaskId),
    /// A notification is due.
    Notification(NotificationId),
    /// The digest of a user is due.
    Digest(UserId),
}

impl TimerTarget {
    /// A number from 0 to 31 that is evenly distributed over targets and constant for each.
    pub fn jitter_seed(&self) -> u8 {
        match self {
            Self::Task(id) => id.jitter_seed(),
            Self::Notification(id) => id.jitter_seed(),
            Self::Digest(id) => id.jitter_seed(),
        }
    }
}

impl fmt::Display for TimerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(id) => id.fmt(f),
            Self::Notification(id) => id.fmt(f),
            Self::Digest(id) => id.fmt(f),
        }
    }
}

impl FromStr for TimerTarget {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let notification = || text.parse().map(Self::Notification);
        text.parse()
            .map(Self::Task)
            .or_else(|_| notification())
            .or_else(|_| text.parse().map(Self::Digest))
    }
}

impl Serialize for TimerTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimerTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The time at which something must happen to a target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// The time.
    pub at: Timestamp,
    /// The target. Serialized as `subject`, as in released versions.
    #[serde(rename = "subject")]
    pub target: TimerTarget,
}

impl Timer {
    /// The remaining time in whole seconds, rounded up. Zero once the time has come.
    pub fn delay_seconds(&self, now: Timestamp) -> i64 {
        let wait = self.at.duration_since(now).as_millis();
        i64::try_from((wait.max(0) + 999) / 1_000).unwrap_or(i64::MAX)
    }
}
