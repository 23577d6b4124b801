//! The reminders of a task when it is changed or snoozed.

use jiff::{SignedDuration, Timestamp};

use super::{Status, Task};
use crate::{
    clock::{At, Random},
    delivery::{Delivery, DeliveryStatus, Reason},
    id::ReminderId,
    reminder::{MAX_REMINDERS, Reminder, ReminderSpec},
    violation::{FieldError, Violation},
};

/// The maximum number of archived reminders.
const MAX_ARCHIVED_REMINDERS: usize = 50;

/// The maximum duration of a snooze.
const MAX_SNOOZE: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Task {
    /// Snoozes the task: skips the reminders up to `until`, and adds one at that time.
    ///
    /// # Errors
    /// A [`Violation`]: `already_completed`, or `out_of_range` unless `until` is in the next 366 days.
    pub fn snooze(
        &mut self,
        until: Timestamp,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Violation> {
        if self.status == Status::Completed {
            let why = "A completed task cannot be snoozed.";
            return Err(Violation::new("already_completed", why));
        }
        if until <= now || until > now + MAX_SNOOZE {
            let why = "It must be later than now, and within 366 days.";
            return Err(Violation::new("out_of_range", why));
        }
        let snoozed = |r: &Reminder| matches!(r.spec, ReminderSpec::Snoozed(_));
        let (before, mut kept): (Vec<_>, Vec<_>) = self.reminders.drain(..).partition(snoozed);
        end_snooze(&mut kept, now);
        silence(&mut kept, until);
        self.reminders = kept;
        self.archive(before, now);
        let id = ReminderId::generate(&At(now), random);
        self.reminders.push(Reminder::scheduled(id, ReminderSpec::Snoozed(until), until));
        self.count_edit(now);
        Ok(())
    }

    /// Skips the reminders that the snooze of an imported task has skipped.
    pub(super) fn keep_snoozed(&mut self) {
        let until = self.reminders.iter().find_map(|reminder| match reminder.spec {
            ReminderSpec::Snoozed(until) => Some(until),
            _ => None,
        });
        if let Some(until) = until {
            let others = self.reminders.iter_mut();
            silence(others.filter(|r| r.spec != ReminderSpec::Snoozed(until)), until);
        }
    }

    /// The reminders that count from the due time. Reminders at a fixed time belong to a single occurrence.
    pub(super) fn relative_reminders(&self) -> Vec<ReminderSpec> {
        let relative = self.reminders.iter().filter(|r| matches!(r.spec, ReminderSpec::Before(_)));
        relative.map(|r| r.spec.clone()).collect()
    }

    /// Replaces the reminders. An unchanged reminder keeps its id and its delivery. Two reminders at the same time are an
    /// error if the user asked for both (`explicit`). Otherwise (default reminders, a changed due time) one is kept.
    pub(super) fn set_reminders(
        &mut self,
        wanted: Vec<ReminderSpec>,
        explicit: bool,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), FieldError> {
        let mut current = std::mem::take(&mut self.reminders);
        let snoozed = |spec: &ReminderSpec| matches!(spec, ReminderSpec::Snoozed(_));
        if current.iter().any(|r| snoozed(&r.spec)) && !wanted.iter().any(snoozed) {
            end_snooze(&mut current, now);
        }
        for (index, spec) in wanted.into_iter().enumerate() {
            let field = || format!("reminders[{index}]");
            let Some(fire_at) = spec.fire_at(self.due.as_ref(), &self.time_zone) else {
                let why = "A reminder with before needs a due time: set due, or use at.";
                return Err(Violation::new("needs_due", why).for_field(field()));
            };
            if self.reminders.iter().any(|r| r.delivery.fire_at == fire_at) {
                if !explicit {
                    continue;
                }
                let why = "Duplicate reminder: another reminder of this task is at the same time.";
                return Err(Violation::new("duplicate", why).for_field(field()));
            }
            let unchanged =
                current.iter().position(|r| r.spec == spec && r.delivery.fire_at == fire_at);
            let mut reminder = match unchanged {
                Some(index) => current.swap_remove(index),
                None => {
                    let id = ReminderId::generate(&At(now), random);
                    let mut reminder = Reminder::scheduled(id, spec, fire_at);
                    if fire_at < now {
                        reminder.delivery.end(DeliveryStatus::Skipped, Some(Reason::PastWhenSet));
                    }
                    reminder
                }
            };
            // Includes reminders that the end of a snooze has just scheduled.
            let scheduled = reminder.delivery.status == DeliveryStatus::Scheduled;
            if scheduled && self.status == Status::Completed {
                skip_unsent(&mut reminder, Reason::TaskCompleted);
            }
            self.reminders.push(reminder);
        }
        self.archive(current, now);
        debug_assert!(self.reminders.len() <= MAX_REMINDERS + 1, "the snooze is not counted");
        Ok(())
    }

    /// Archives those replaced reminders whose delivery was due or had begun.
    fn archive(&mut self, replaced: Vec<Reminder>, now: Timestamp) {
        for mut reminder in replaced {
            let not_begun = reminder.delivery.fire_at > now && reminder.delivery.attempts == 0;
            if not_begun || reminder.delivery.reason == Some(Reason::PastWhenSet) {
                continue;
            }
            skip_unsent(&mut reminder, Reason::Replaced);
            self.archived_reminders.push(reminder);
        }
        let excess = self.archived_reminders.len().saturating_sub(MAX_ARCHIVED_REMINDERS);
        self.archived_reminders.drain(..excess);
    }
}

/// Skips the reminders up to the end of a snooze.
fn silence<'a>(reminders: impl IntoIterator<Item = &'a mut Reminder>, until: Timestamp) {
    for reminder in reminders.into_iter().filter(|r| r.delivery.fire_at <= until) {
        skip_unsent(reminder, Reason::Snoozed);
    }
}

/// Schedules again the future reminders that a snooze has skipped.
fn end_snooze(reminders: &mut [Reminder], now: Timestamp) {
    let skipped = reminders.iter_mut().filter(|r| {
        let delivery = &r.delivery;
        delivery.status == DeliveryStatus::Skipped
            && delivery.reason == Some(Reason::Snoozed)
            && delivery.fire_at > now
    });
    for reminder in skipped {
        reminder.delivery = Delivery::scheduled(reminder.delivery.fire_at);
    }
}

/// Skips a reminder that was not sent. One that may have been sent stays uncertain and is not sent again.
pub(super) fn skip_unsent(reminder: &mut Reminder, reason: Reason) {
    match reminder.delivery.status {
        DeliveryStatus::Scheduled => reminder.delivery.end(DeliveryStatus::Skipped, Some(reason)),
        DeliveryStatus::Claimed | DeliveryStatus::Uncertain => {
            reminder.delivery.end(DeliveryStatus::Uncertain, Some(reason));
        }
        DeliveryStatus::Sent | DeliveryStatus::Skipped | DeliveryStatus::Failed => {}
    }
}
