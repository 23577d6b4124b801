//! The delivery of a task's reminders, and its automatic completion.
//!
//! A task has one timer: the earliest `next_at` of its reminders, or its automatic completion. A worker reads the task,
//! calls [`Task::begin_delivery`], and stores the task on condition that its revision is still the one that was read. The
//! condition proves that the task exists, is open and has this reminder, and that no other worker has claimed it. Then the
//! worker sends the mail and records the outcome with [`Task::finish_delivery`].

use jiff::Timestamp;

use super::Task;
use crate::{
    clock::Random,
    delivery::{Begun, DeliveryEvent, Outcome},
    id::{ReminderId, UserId},
    reminder::Reminder,
    timer::{Timer, TimerTarget},
};

/// The right to send one reminder once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The reminder.
    pub reminder: ReminderId,
    /// The fencing token: increases with every claim on the task.
    pub fence: u64,
    /// When the reminder was due.
    pub fire_at: Timestamp,
    /// The recipient, once it is known.
    pub recipient: Option<UserId>,
}

/// The next step of the deliveries of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due. The task is unchanged.
    Idle,
    /// The delivery of a reminder changed, and its mail is not to be sent now: store the task, then ask for the next step.
    Recorded(Claim, Begun),
    /// The task changed: store it, then send the reminder.
    Send(Claim),
    /// The task completed itself: store it together with its next occurrence, then ask for the next step.
    Completed(Option<Box<Task>>),
}

impl Task {
    /// The next timer. `None` if nothing more happens without a change.
    pub fn timer(&self) -> Option<Timer> {
        let reminders = self.reminders.iter().filter_map(|r| r.delivery.next_at);
        let at = reminders.chain(self.completion_timer()).min()?;
        Some(Timer { at, target: TimerTarget::Task(self.id) })
    }

    /// Takes the step that is due. The revision increases by one unless it is [`Step::Idle`].
    pub fn begin_delivery(&mut self, now: Timestamp, random: &dyn Random) -> Step {
        let completes_at = self.completion_timer().filter(|at| *at <= now);
        let due = self.reminders.iter_mut().filter(|r| r.delivery.is_due(now));
        let reminder = due.min_by_key(|r| r.delivery.next_at);
        // A reminder that is due at the time of the completion is sent first.
        if let Some(at) = completes_at
            && reminder.as_ref().is_none_or(|r| r.delivery.next_at > Some(at))
        {
            return Step::Completed(self.complete_by_timer(now, random));
        }
        let Some(reminder) = reminder else { return Step::Idle };
        let fence = self.revision + 1;
        let claim =
            Claim { reminder: reminder.id, fence, fire_at: reminder.delivery.fire_at, recipient: None };
        let begun = reminder.delivery.begin(fence, now);
        self.count_delivery();
        match begun {
            Begun::Claimed => Step::Send(claim),
            Begun::Uncertain | Begun::TooOld | Begun::Unresolved => Step::Recorded(claim, begun),
        }
    }

    /// Records the outcome of a claim. Returns whether the task changed: it does not if the claim no longer holds.
    pub fn finish_delivery(&mut self, claim: Claim, outcome: &Outcome, now: Timestamp) -> bool {
        let jitter_seed = self.id.jitter_seed();
        let current = self.reminders.iter_mut().map(|r| (r, true));
        let archived = self.archived_reminders.iter_mut().map(|r| (r, false));
        let held = |r: &Reminder| r.id == claim.reminder && r.delivery.is_held(claim.fence);
        let Some((reminder, wanted)) = current.chain(archived).find(|(r, _)| held(r)) else {
            return false;
        };
        reminder.delivery.finish(outcome, wanted, jitter_seed, now);
        reminder.delivery.recipient = claim.recipient.or(reminder.delivery.recipient);
        self.count_delivery();
        true
    }

    /// Applies an event of the mail service to a reminder. Returns whether the task changed.
    pub fn apply_event(&mut self, reminder: ReminderId, event: &DeliveryEvent) -> bool {
        let mut all = self.reminders.iter_mut().chain(&mut self.archived_reminders);
        let changed = all.find(|r| r.id == reminder).is_some_and(|r| r.delivery.apply_event(event));
        if changed {
            self.count_delivery();
        }
        changed
    }
}
