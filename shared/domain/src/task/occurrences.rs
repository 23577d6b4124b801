//! A task as an occurrence of a series: setting the rule, skipping, and creating the next occurrence.

use jiff::Timestamp;

use super::{LastWrite, Status, Task};
use crate::{
    clock::{At, Random},
    id::TaskId,
    recurrence::{RecurrenceFrom, Rule, Series},
    reminder::ReminderSpec,
    unknown::Unknown,
    violation::{FieldError, Violation},
    zone::Zone,
};

impl Task {
    /// Moves the task to the next occurrence of its series without completing the current one.
    ///
    /// # Errors
    /// A [`Violation`]: `not_recurring`, `already_completed`, or `series_ended` if this is the last occurrence.
    pub fn skip(&mut self, now: Timestamp, random: &dyn Random) -> Result<(), Violation> {
        let refuse = |code, why: &str| Err(Violation::new(code, why));
        let Some(series) = &self.recurrence else {
            return refuse("not_recurring", "The task does not recur.");
        };
        if self.status == Status::Completed {
            return refuse("already_completed", "This occurrence is completed: skip the next one.");
        }
        let Some(next) = series.after_skipping(&self.time_zone, now) else {
            return refuse("series_ended", "This is the last occurrence: complete or delete it.");
        };
        self.move_to_occurrence(next, self.relative_reminders(), now, random);
        self.count_edit(now);
        Ok(())
    }

    /// The occurrence after a completed one, unless it was created before. `next` finds its place in the series.
    pub(super) fn create_next_occurrence(
        &mut self,
        next: fn(&Series, &Zone, Timestamp) -> Option<Series>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Box<Self>> {
        if self.status != Status::Completed || self.next_occurrence.is_some() {
            return None;
        }
        let series = next(self.recurrence.as_ref()?, &self.time_zone, now)?;
        let mut next = Self {
            id: TaskId::generate(&At(now), random),
            status: Status::Pending,
            archived_reminders: Vec::new(),
            completion_postponed_until: None,
            version: 1,
            revision: 1,
            last_write: LastWrite::Edit,
            created_at: now,
            updated_at: now,
            moved_at: None,
            completed_at: None,
            completed_by: None,
            // Attributes of a later version belong to the stored task.
            unknown: Unknown::default(),
            unknown_state: Unknown::default(),
            ..self.clone()
        };
        let relative = next.relative_reminders();
        next.reminders.clear();
        next.move_to_occurrence(series, relative, now, random);
        next.checklist.iter_mut().for_each(|item| item.done = false);
        self.next_occurrence = Some(next.id);
        Some(Box::new(next))
    }

    fn move_to_occurrence(
        &mut self,
        series: Series,
        wanted: Vec<ReminderSpec>,
        now: Timestamp,
        random: &dyn Random,
    ) {
        self.due_at = Some(series.occurrence_time.at(&self.time_zone));
        self.due = Some(series.occurrence_time.clone());
        self.recurrence = Some(series);
        let set = self.set_reminders(wanted, false, now, random);
        debug_assert!(set.is_ok(), "reminders that count from the due time have one");
    }

    /// Sets the rule. `due_changed` says whether the same change sets another due time.
    pub(super) fn set_recurrence(
        &mut self,
        rule: Option<Option<Rule>>,
        from: Option<RecurrenceFrom>,
        due_changed: bool,
    ) -> Result<(), FieldError> {
        let needs_due = || {
            let why = "A recurring task needs a due time: set due.";
            Violation::new("needs_due", why).for_field("recurrence")
        };
        match (rule, &self.recurrence) {
            (None, _) => {}
            (Some(None), _) => self.recurrence = None,
            (Some(Some(rule)), Some(series)) if series.rule == rule && !due_changed => {}
            (Some(Some(_)), _) if self.status == Status::Completed => {
                let why = "A completed task cannot start a series: reopen it first.";
                return Err(Violation::new("needs_open", why).for_field("recurrence"));
            }
            (Some(Some(rule)), current) => {
                let from = from.or(current.as_ref().map(|series| series.from));
                let due = self.due.clone().ok_or_else(needs_due)?;
                let series =
                    Series::starting(rule, from.unwrap_or(RecurrenceFrom::Due), due, &self.time_zone);
                self.recurrence = Some(series.map_err(|violation| violation.for_field("recurrence"))?);
                self.next_occurrence = None;
            }
        }
        match (&mut self.recurrence, from) {
            (Some(_), _) if self.due.is_none() => return Err(needs_due()),
            (Some(series), Some(from)) => series.from = from,
            (None, Some(_)) => {
                let why = "Only a recurring task has recurrence_from: set recurrence too.";
                return Err(Violation::new("needs_recurrence", why).for_field("recurrence_from"));
            }
            _ => {}
        }
        Ok(())
    }
}
