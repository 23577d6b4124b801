//! What becomes of a task's reminders when it is changed or snoozed.

use jiff::{SignedDuration, Timestamp};

use super::{Status, Task};
use crate::{
    clock::{At, Random},
    delivery::{Delivery, DeliveryStatus, Reason},
    id::ReminderId,
    reminder::{MAX_REMINDERS, Reminder, ReminderSpec},
    violation::{FieldError, Violation},
};

/// The most entries kept of reminders that a change has replaced after their delivery had begun.
const MAX_PAST_REMINDERS: usize = 50;

/// The longest time for which a task can be snoozed.
const LONGEST_SNOOZE: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Task {
    /// Lets the task be silent until a moment, at which it rings again. What was to ring before is passed over.
    ///
    /// # Errors
    /// A [`Violation`]: `already_completed`, or `out_of_range` (from now to 366 days on).
    pub fn snooze(
        &mut self,
        until: Timestamp,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Violation> {
        if self.status == Status::Completed {
            return Err(Violation::new("already_completed", "The task is completed: nothing rings."));
        }
        if until <= now || until > now + LONGEST_SNOOZE {
            let why = "It must be later than now, and within 366 days.";
            return Err(Violation::new("out_of_range", why));
        }
        let snoozed = |r: &Reminder| matches!(r.spec, ReminderSpec::Snoozed(_));
        let (before, mut kept): (Vec<_>, Vec<_>) = self.reminders.drain(..).partition(snoozed);
        end_snooze(&mut kept, now);
        for reminder in kept.iter_mut().filter(|r| r.delivery.fire_at <= until) {
            skip_before(reminder, Reason::Snoozed);
        }
        self.reminders = kept;
        self.archive(before, now);
        let id = ReminderId::generate(&At(now), random);
        self.reminders.push(Reminder::scheduled(id, ReminderSpec::Snoozed(until), until));
        self.version += 1;
        self.updated_at = now;
        Ok(())
    }

    /// The reminders that count from the due time. Those at times of their own belong to one occurrence.
    pub(super) fn counted_reminders(&self) -> Vec<ReminderSpec> {
        let counted = self.reminders.iter().filter(|r| matches!(r.spec, ReminderSpec::Before(_)));
        counted.map(|r| r.spec.clone()).collect()
    }

    /// Replaces the wanted reminders. One that stays as it was keeps its id and what is known of it. Of two
    /// at the same moment the second is an error if somebody asked for both just now (`explicit`); two that
    /// come from elsewhere (defaults, a moved due time) are one.
    pub(super) fn set_reminders(
        &mut self,
        wanted: Vec<ReminderSpec>,
        explicit: bool,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), FieldError> {
        let mut present = std::mem::take(&mut self.reminders);
        let snoozed = |spec: &ReminderSpec| matches!(spec, ReminderSpec::Snoozed(_));
        if present.iter().any(|r| snoozed(&r.spec)) && !wanted.iter().any(snoozed) {
            end_snooze(&mut present, now);
        }
        for (index, spec) in wanted.into_iter().enumerate() {
            let field = || format!("reminders[{index}]");
            let Some(fire_at) = spec.fire_at(self.due.as_ref(), &self.time_zone) else {
                let why = "It counts from the due time, and the task has none.";
                return Err(Violation::new("needs_due", why).at(field()));
            };
            if self.reminders.iter().any(|r| r.delivery.fire_at == fire_at) {
                if !explicit {
                    continue;
                }
                let why = "Another reminder of this task rings at the same moment.";
                return Err(Violation::new("duplicate", why).at(field()));
            }
            let unchanged =
                present.iter().position(|r| r.spec == spec && r.delivery.fire_at == fire_at);
            let mut reminder = match unchanged {
                Some(position) => present.swap_remove(position),
                None => {
                    let id = ReminderId::generate(&At(now), random);
                    let mut reminder = Reminder::scheduled(id, spec, fire_at);
                    if fire_at < now {
                        reminder.delivery.end(DeliveryStatus::Skipped, Some(Reason::PastWhenSet));
                    }
                    reminder
                }
            };
            // Also what the end of a snooze has just scheduled.
            let waits = reminder.delivery.status == DeliveryStatus::Scheduled;
            if waits && self.status == Status::Completed {
                skip_before(&mut reminder, Reason::TaskCompleted);
            }
            self.reminders.push(reminder);
        }
        self.archive(present, now);
        debug_assert!(self.reminders.len() <= MAX_REMINDERS + 1, "one more that is snoozed");
        Ok(())
    }

    /// Keeps, of reminders no longer wanted, those whose moment had come while they were.
    fn archive(&mut self, replaced: Vec<Reminder>, now: Timestamp) {
        for mut reminder in replaced {
            let ahead = reminder.delivery.fire_at > now && reminder.delivery.attempts == 0;
            if ahead || reminder.delivery.reason == Some(Reason::PastWhenSet) {
                continue;
            }
            skip_before(&mut reminder, Reason::Replaced);
            self.archived_reminders.push(reminder);
        }
        let excess = self.archived_reminders.len().saturating_sub(MAX_PAST_REMINDERS);
        self.archived_reminders.drain(..excess);
    }
}

/// Lets ring again what a snooze has passed over and what is still ahead.
fn end_snooze(reminders: &mut [Reminder], now: Timestamp) {
    let passed_over = reminders.iter_mut().filter(|r| {
        let delivery = &r.delivery;
        delivery.status == DeliveryStatus::Skipped
            && delivery.reason == Some(Reason::Snoozed)
            && delivery.fire_at > now
    });
    for reminder in passed_over {
        reminder.delivery = Delivery::scheduled(reminder.delivery.fire_at);
    }
}

/// Ends a reminder that has not been sent. What may have been sent stays uncertain, but is not sent again.
pub(super) fn skip_before(reminder: &mut Reminder, reason: Reason) {
    match reminder.delivery.status {
        DeliveryStatus::Scheduled => reminder.delivery.end(DeliveryStatus::Skipped, Some(reason)),
        DeliveryStatus::Claimed | DeliveryStatus::Uncertain => {
            reminder.delivery.end(DeliveryStatus::Uncertain, Some(reason));
        }
        DeliveryStatus::Sent | DeliveryStatus::Skipped | DeliveryStatus::Failed => {}
    }
}
