//! Changing a task by a merge patch.

use jiff::Timestamp;

use super::{Priority, Status, Task};
use crate::{
    checklist::{ChecklistItemInput, merge_checklist},
    clock::{At, Random},
    due::Due,
    id::UserId,
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::ReminderSpec,
    text::{Category, Description, Tag, Title},
    user::User,
    violation::FieldError,
};

/// A merge patch (RFC 7396) of a task. `None` leaves a field unchanged, and an inner `None` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPatch {
    /// A new title.
    pub title: Option<Title>,
    /// A new description.
    pub description: Option<Description>,
    /// A new status. `completed` completes the task, any other reopens it.
    pub status: Option<Status>,
    /// A new priority.
    pub priority: Option<Priority>,
    /// A new category, or none.
    pub category: Option<Option<Category>>,
    /// Tags that replace the current ones.
    pub tags: Option<Vec<Tag>>,
    /// A new due time, or none.
    pub due: Option<Option<Due>>,
    /// Reminders that replace the current ones.
    pub reminders: Option<Vec<ReminderSpec>>,
    /// A new rule, or none. A new rule, or the current one together with a new due time, starts a new series. A due time
    /// alone moves only this occurrence.
    pub recurrence: Option<Option<Rule>>,
    /// What the next occurrence is counted from.
    pub recurrence_from: Option<RecurrenceFrom>,
    /// A new time after which the task completes itself, or none.
    pub auto_complete_after: Option<Option<AutoComplete>>,
    /// A new assignee, or none.
    pub assigned_to: Option<Option<UserId>>,
    /// A checklist that replaces the current one.
    pub checklist: Option<Vec<ChecklistItemInput>>,
}

impl TaskPatch {
    /// A patch of the status only.
    pub fn status(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Whether [`Task::apply`] needs the user's profile, for its time zone and default reminders.
    pub fn needs_profile(&self) -> bool {
        self.due.is_some()
    }

    /// Whether the patch can add reminders to the open tasks of a space.
    pub fn adds_reminders(&self) -> bool {
        let reopens = self.status.is_some_and(|status| status != Status::Completed);
        let sets = self.reminders.as_ref().is_some_and(|wanted| !wanted.is_empty());
        self.needs_profile() || reopens || sets
    }

    /// How many reminders the patch of a task adds to the open tasks of its space. A first due time adds the user's
    /// default reminders, and a reopened task adds its own.
    pub fn more_reminders(&self, task: &Task, profile: Option<&User>) -> usize {
        let open = |status| status != Status::Completed;
        if !open(self.status.unwrap_or(task.status)) {
            return 0;
        }
        let first = task.due.is_none() && matches!(self.due, Some(Some(_)));
        let defaults = profile.filter(|_| first).map_or(0, |user| user.default_reminders.len());
        let after = self.reminders.as_ref().map_or(task.reminders.len() + defaults, Vec::len);
        let before = if open(task.status) { task.reminders.len() } else { 0 };
        after.saturating_sub(before)
    }
}

/// The result of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskChange {
    /// Whether the task changed. Then its version and its revision increased by one.
    pub changed: bool,
    /// The next occurrence, which must be stored together with the task.
    pub next: Option<Box<Task>>,
}

impl Task {
    /// Applies a patch. Completing an occurrence of a series creates the next one.
    ///
    /// `profile` is the profile of the user who changes the task. It is required if [`TaskPatch::needs_profile`]. A first
    /// due time adds the user's default reminders, unless the patch or the task has reminders. Clearing the due time
    /// removes the reminders that count from it.
    ///
    /// # Errors
    /// A [`FieldError`] of [`Self::create`]. The task is then unchanged.
    pub fn apply(
        &mut self,
        patch: TaskPatch,
        profile: Option<&User>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<TaskChange, FieldError> {
        let mut next = self.clone();
        next.completion_postponed_until = None;
        if let (Some(due), Some(user)) = (&patch.due, profile) {
            next.due_at = due.as_ref().map(|due| due.at(&user.time_zone));
            next.due = due.clone();
            next.time_zone = user.time_zone.clone();
        }
        let (had_due, due_changed) = (self.due.is_some(), next.due != self.due);
        if patch.status.is_some_and(|status| status != Status::Completed) {
            next.set_status(patch.status.unwrap_or(next.status), now);
        }
        next.set_recurrence(patch.recurrence, patch.recurrence_from, due_changed)?;
        let explicit = patch.reminders.is_some();
        if explicit || patch.due.is_some() {
            let wanted = match (patch.reminders, profile) {
                (Some(specs), _) => specs,
                (None, Some(user)) if due_changed && !had_due && next.reminders.is_empty() => {
                    user.default_reminders.clone()
                }
                (None, _) => {
                    let mut kept: Vec<_> = next.reminders.iter().map(|r| r.spec.clone()).collect();
                    // A new due time ends a snooze.
                    kept.retain(|spec| match spec {
                        ReminderSpec::Before(_) => next.due.is_some(),
                        ReminderSpec::At(_) => true,
                        ReminderSpec::Snoozed(_) => !due_changed,
                    });
                    kept
                }
            };
            next.set_reminders(wanted, explicit, now, random)?;
        }
        next.auto_complete_after = patch.auto_complete_after.unwrap_or(next.auto_complete_after);
        next.check_auto_complete_rate()?;
        if let Some(wanted) = patch.checklist {
            next.checklist = merge_checklist(&self.checklist, wanted, &At(now), random)?;
        }
        next.assigned_to = patch.assigned_to.unwrap_or(next.assigned_to);
        next.title = patch.title.unwrap_or(next.title);
        next.description = patch.description.unwrap_or(next.description);
        next.priority = patch.priority.unwrap_or(next.priority);
        next.category = patch.category.unwrap_or(next.category);
        next.tags = patch.tags.unwrap_or(next.tags);
        if let Some(status) = patch.status {
            next.set_status(status, now);
        }
        if next == *self {
            return Ok(TaskChange::default());
        }
        next.count_edit(now);
        *self = next;
        Ok(TaskChange { changed: true, next: self.create_next_occurrence(Series::next, now, random) })
    }
}
