//! The reminder protocol: what happens to a task at its next timer.
//!
//! A task has one timer: the earliest `next_at` of its reminders, or the moment at which it completes itself. Whoever handles it reads the task, asks
//! [`Task::begin_delivery`] what to do, and stores the task on condition that its version is still the
//! one read. That one condition proves that the task stands, is not completed, and wants this reminder at
//! this instant; and it lets only one of several workers through. Only then is the mail sent, and
//! [`Task::finish_delivery`] records what became of it.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    clock::Random,
    delivery::{DeliveryEvent, Outcome},
    id::{InvalidId, NotificationId, ReminderId, TaskId, UserId},
    reminder::Reminder,
    task::Task,
};

/// How far ahead the dispatcher looks. It runs every minute; one missed run is made up for by the next.
pub const DISPATCH_HORIZON: SignedDuration = SignedDuration::from_secs(120);

/// When a dispatched timer is looked at again, counted from its moment, should the queue or the worker
/// have lost it.
pub const RECHECK_AFTER: SignedDuration = SignedDuration::from_secs(600);

/// What a timer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerTarget {
    /// A task: a reminder rings, or the task completes itself.
    Task(TaskId),
    /// A notification is sent.
    Notification(NotificationId),
    /// The digest of a user is made.
    Digest(UserId),
}

impl TimerTarget {
    /// A number that is jitter_seed evenly over subjects and never changes for one.
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

/// A moment at which something must happen.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// The moment.
    pub at: Timestamp,
    /// To what.
    pub subject: TimerTarget,
}

impl Timer {
    /// How long to wait for it, in whole seconds rounded up: zero when its moment has come.
    pub fn delay_seconds(&self, now: Timestamp) -> i64 {
        let wait = self.at.duration_since(now).as_millis();
        i64::try_from((wait.max(0) + 999) / 1_000).unwrap_or(i64::MAX)
    }
}

/// The right to send one reminder once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The reminder.
    pub reminder: ReminderId,
    /// Its place among the claims on this task: a later one is higher.
    pub fence: u64,
    /// When the reminder was to ring.
    pub fire_at: Timestamp,
    /// To whom it is sent, once that is known.
    pub recipient: Option<UserId>,
}

/// What is to be done about a task at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due; the task is unchanged.
    Idle,
    /// The task has changed: store it, and ask again.
    Recorded,
    /// The task has changed: store it, and once it is stored, send.
    Send(Claim),
    /// The task has completed itself: store it together with its next occurrence, and ask again.
    Completed(Option<Box<Task>>),
}

impl Task {
    /// The task's next timer: none when nothing is left to happen by itself.
    pub fn timer(&self) -> Option<Timer> {
        let reminders = self.reminders.iter().filter_map(|r| r.delivery.next_at);
        let at = reminders.chain(self.completion_timer()).min()?;
        Some(Timer { at, subject: TimerTarget::Task(self.id) })
    }

    /// Takes the next step that is due at `now`. The version is one higher unless it is [`Step::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp, random: &dyn Random) -> Step {
        let completes_at = self.completion_timer().filter(|at| *at <= now);
        let due = self.reminders.iter_mut().filter(|r| r.delivery.is_due(now));
        let reminder = due.min_by_key(|r| r.delivery.next_at);
        // A reminder at the very moment of the completion still rings.
        if let Some(at) = completes_at
            && reminder.as_ref().is_none_or(|r| r.delivery.next_at > Some(at))
        {
            self.version += 1;
            return Step::Completed(self.complete_by_timer(now, random));
        }
        let Some(reminder) = reminder else { return Step::Idle };
        self.version += 1;
        if !reminder.delivery.begin(self.version, now) {
            return Step::Recorded;
        }
        let (fence, fire_at) = (self.version, reminder.delivery.fire_at);
        Step::Send(Claim { reminder: reminder.id, fence, fire_at, recipient: None })
    }

    /// Records what became of a claim. Returns whether the task changed: it does not when the claim no
    /// longer holds.
    pub fn finish_delivery(&mut self, claim: Claim, outcome: &Outcome, now: Timestamp) -> bool {
        let jitter_seed = self.id.jitter_seed();
        let wanted = self.reminders.iter_mut().map(|r| (r, true));
        let past = self.archived_reminders.iter_mut().map(|r| (r, false));
        let held = |r: &Reminder| r.id == claim.reminder && r.delivery.is_held(claim.fence);
        let Some((reminder, wanted)) = wanted.chain(past).find(|(r, _)| held(r)) else {
            return false;
        };
        reminder.delivery.finish(outcome, wanted, jitter_seed, now);
        reminder.delivery.recipient = claim.recipient.or(reminder.delivery.recipient);
        self.version += 1;
        true
    }

    /// Learns what SES tells of a reminder's mail. Returns whether the task changed: it does not when that is no
    /// news, or the reminder is gone.
    pub fn apply_event(&mut self, reminder: ReminderId, news: &DeliveryEvent) -> bool {
        let mut all = self.reminders.iter_mut().chain(&mut self.archived_reminders);
        let learned = all.find(|r| r.id == reminder).is_some_and(|r| r.delivery.apply_event(news));
        self.version += u64::from(learned);
        learned
    }
}
