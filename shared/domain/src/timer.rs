//! The reminder protocol: what happens to a task at its next timer.
//!
//! A task has one timer, the earliest `next_at` of its reminders. Whoever handles it reads the task, asks
//! [`Task::begin_delivery`] what to do, and stores the task on condition that its version is still the
//! one read. That one condition proves that the task stands, is not completed, and wants this reminder at
//! this instant; and it lets only one of several workers through. Only then is the mail sent, and
//! [`Task::finish_delivery`] records what became of it.
//!
//! Where a worker fails between the claim and the record, nobody can know whether the mail left. The
//! lease ends, the reminder becomes uncertain, and after a wait for news it is sent again.

use jiff::{SignedDuration, Timestamp};

use crate::{
    id::{ReminderId, TaskId},
    reminder::{DeliveryStatus, Reason, Reminder},
    task::Task,
};

/// How far ahead the dispatcher looks. It runs every minute; one missed run is made up for by the next.
pub const LOOK_AHEAD: SignedDuration = SignedDuration::from_secs(120);

/// When a dispatched timer is looked at again, counted from its moment, should the queue or the worker
/// have lost it.
pub const SECOND_LOOK: SignedDuration = SignedDuration::from_secs(600);

/// How long a claim holds. It exceeds the time limit of the worker function, so that a worker whose lease
/// has ended is certainly gone.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long news of an uncertain mail is awaited before it is sent again; twice as long after each further
/// attempt, so that a channel that keeps losing its answers does not fill a mailbox.
pub const UNCERTAIN_WAIT: SignedDuration = SignedDuration::from_secs(300);

/// A reminder later than this is noise, and is skipped.
pub const MAX_LATENESS: SignedDuration = SignedDuration::from_hours(24);

/// A mail sent later than this says so.
pub const LATE_AFTER: SignedDuration = SignedDuration::from_secs(300);

/// A reminder that SES has refused this often has failed.
pub const MAX_ATTEMPTS: u32 = 5;

/// The wait after the first refusal; it doubles with each further one.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_secs(30);

/// The shortest wait when SES had no room for the mail. Up to 31 seconds more are added, by task, so that
/// those who were turned away together do not come back together.
const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(30);

/// A moment at which something must happen to a task.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// The moment.
    pub at: Timestamp,
    /// The task.
    pub task_id: TaskId,
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
}

/// What is to be done about a task at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due; the task is unchanged.
    Idle,
    /// The task has changed: store it, and ask again.
    Recorded,
    /// The task has changed: store it, and once it is stored, send.
    Send(Claim),
}

/// What became of a claimed reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// SES accepted it under this message id.
    Accepted(String),
    /// SES certainly did not accept it.
    Refused,
    /// It was not offered to SES, or SES had no room for it (a sending rate, a daily quota). That is no
    /// fault of the mail: it waits, and does not count as an attempt.
    Later,
    /// Nobody knows.
    Unknown,
    /// It was not offered to SES, for a reason.
    Skipped(Reason),
}

impl Task {
    /// The task's next timer: none when nothing is left to happen by itself.
    pub fn timer(&self) -> Option<Timer> {
        let at = self.reminders.iter().filter_map(|r| r.next_at).min()?;
        Some(Timer { at, task_id: self.id })
    }

    /// Takes the next step that is due at `now`. The version is one higher unless it is [`Step::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp) -> Step {
        let due = self.reminders.iter_mut().filter(|r| r.next_at.is_some_and(|at| at <= now));
        let Some(reminder) = due.min_by_key(|r| r.next_at) else {
            return Step::Idle;
        };
        self.version += 1;
        if reminder.status == DeliveryStatus::Claimed {
            let lease_end = reminder.next_at.unwrap_or(now);
            reminder.status = DeliveryStatus::Uncertain;
            reminder.next_at = Some(lease_end + uncertain_wait(reminder.attempts));
            return Step::Recorded;
        }
        if now.duration_since(reminder.fire_at) > MAX_LATENESS {
            match reminder.status {
                DeliveryStatus::Uncertain => {
                    reminder.end(DeliveryStatus::Uncertain, Some(Reason::TooOld))
                }
                _ => reminder.end(DeliveryStatus::Skipped, Some(Reason::TooOld)),
            }
            return Step::Recorded;
        }
        reminder.status = DeliveryStatus::Claimed;
        reminder.attempts += 1;
        reminder.fence = self.version;
        reminder.next_at = Some(now + LEASE);
        Step::Send(Claim { reminder: reminder.id, fence: self.version, fire_at: reminder.fire_at })
    }

    /// Records what became of a claim. Returns whether the task changed: it does not when the claim no
    /// longer holds. A claim whose lease has ended still holds until another one is made: news that comes
    /// late is news.
    pub fn finish_delivery(&mut self, claim: Claim, outcome: &Outcome, now: Timestamp) -> bool {
        let jitter = SignedDuration::from_secs(self.id.spread().into());
        let wanted = self.reminders.iter_mut().map(|r| (r, true));
        let past = self.past_reminders.iter_mut().map(|r| (r, false));
        let held = |r: &Reminder| {
            r.id == claim.reminder
                && r.fence == claim.fence
                && matches!(r.status, DeliveryStatus::Claimed | DeliveryStatus::Uncertain)
        };
        let Some((reminder, wanted)) = wanted.chain(past).find(|(r, _)| held(r)) else {
            return false;
        };
        // Completing or changing the task has ended it: it is recorded, and not tried again.
        let goes_on = wanted && reminder.next_at.is_some();
        match outcome {
            Outcome::Accepted(message_id) => {
                reminder.end(DeliveryStatus::Sent, None);
                reminder.sent_at = Some(now);
                reminder.message_id = Some(message_id.clone());
            }
            Outcome::Skipped(reason) => reminder.end(DeliveryStatus::Skipped, Some(*reason)),
            Outcome::Refused | Outcome::Later if !goes_on => {
                let reason = reminder.reason;
                reminder.end(DeliveryStatus::Skipped, reason);
            }
            Outcome::Refused if reminder.attempts >= MAX_ATTEMPTS => {
                reminder.end(DeliveryStatus::Failed, Some(Reason::Refused));
            }
            Outcome::Refused => {
                reminder.status = DeliveryStatus::Scheduled;
                reminder.next_at = Some(now + backoff(reminder.attempts));
            }
            Outcome::Later => {
                reminder.status = DeliveryStatus::Scheduled;
                reminder.attempts = reminder.attempts.saturating_sub(1);
                reminder.next_at = Some(now + SHORTEST_WAIT + jitter);
            }
            Outcome::Unknown => {
                reminder.status = DeliveryStatus::Uncertain;
                reminder.next_at = goes_on.then_some(now + uncertain_wait(reminder.attempts));
            }
        }
        self.version += 1;
        true
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    FIRST_BACKOFF * doublings(attempts)
}

fn uncertain_wait(attempts: u32) -> SignedDuration {
    UNCERTAIN_WAIT * doublings(attempts)
}

fn doublings(attempts: u32) -> i32 {
    2_i32.pow(attempts.saturating_sub(1).min(8))
}
