//! Completing and reopening a task, by a user or automatically.

use jiff::{SignedDuration, Timestamp};

use super::{Status, Task, reminders::skip_unsent};
use crate::{
    clock::Random,
    delivery::{Delivery, DeliveryStatus, Reason},
    recurrence::Series,
    string_enum::string_enum,
    violation::{FieldError, Violation},
};

string_enum!(Completion, "What completed a task.",
    Person = "person": "A user.",
    Timer = "timer": "Its automatic completion.",
);

/// How long the automatic completion of a task is postponed while its creator is blocked.
const POSTPONEMENT: SignedDuration = SignedDuration::from_hours(24);

/// The maximum number of occurrences per day of a series whose tasks complete themselves.
const MAX_COMPLETIONS_PER_DAY: u32 = 24;

impl Task {
    /// When the task completes itself: a set time after its last change. For an occurrence of a series the time counts
    /// from the due time if that is later. `None` if it does not complete itself or is completed.
    pub fn auto_complete_at(&self) -> Option<Timestamp> {
        let after = self.auto_complete_after.filter(|_| self.status != Status::Completed)?;
        let due_at = self.due_at.filter(|_| self.recurrence.is_some());
        after.after(due_at.map_or(self.updated_at, |due_at| due_at.max(self.updated_at)))
    }

    /// When the automatic completion is tried next: [`Self::auto_complete_at`], or later if it is postponed.
    pub fn completion_timer(&self) -> Option<Timestamp> {
        let at = self.auto_complete_at()?;
        Some(self.completion_postponed_until.map_or(at, |until| until.max(at)))
    }

    /// Postpones the automatic completion by a day, because the creator is blocked. The revision increases by one.
    pub fn postpone_completion(&mut self, now: Timestamp) {
        self.completion_postponed_until = Some(now + POSTPONEMENT);
        self.count_delivery();
    }

    /// Completes the task automatically. Returns the next occurrence.
    pub(super) fn complete_by_timer(
        &mut self,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Box<Self>> {
        self.set_status(Status::Completed, now);
        self.completed_by = Some(Completion::Timer);
        self.count_edit(now);
        self.create_next_occurrence(Series::next_in_future, now, random)
    }

    /// Refuses a series whose tasks would complete themselves more than 24 times per day.
    pub(super) fn check_auto_complete_rate(&self) -> Result<(), FieldError> {
        let per_day = self.recurrence.as_ref().map_or(0, |series| series.rule.max_per_day());
        if per_day > MAX_COMPLETIONS_PER_DAY && self.auto_complete_after.is_some() {
            let why = format!(
                "A task that recurs more than {MAX_COMPLETIONS_PER_DAY} times per day cannot complete itself."
            );
            return Err(Violation::new("too_dense", why).for_field("auto_complete_after"));
        }
        Ok(())
    }

    pub(super) fn set_status(&mut self, status: Status, now: Timestamp) {
        let was_completed = self.status == Status::Completed;
        self.status = status;
        match (was_completed, status == Status::Completed) {
            (false, true) => {
                self.completed_at = Some(now);
                self.completed_by = Some(Completion::Person);
                self.reminders.iter_mut().for_each(|r| skip_unsent(r, Reason::TaskCompleted));
            }
            (true, false) => {
                self.completed_at = None;
                self.completed_by = None;
                // A delivery that had begun before the completion may have been sent, so it stays as it is. A reminder
                // whose time passed in the meantime stays skipped.
                let future = self.reminders.iter_mut().filter(|r| {
                    let delivery = &r.delivery;
                    delivery.status == DeliveryStatus::Skipped
                        && delivery.reason == Some(Reason::TaskCompleted)
                        && delivery.fire_at >= now
                });
                for reminder in future {
                    reminder.delivery = Delivery::scheduled(reminder.delivery.fire_at);
                }
            }
            _ => {}
        }
    }
}
