//! Moving a task to another space.

use jiff::{SignedDuration, Timestamp};

use super::{Status, Task};
use crate::id::SpaceId;

impl Task {
    /// Moves the task to another space. Its reminders with their deliveries, its checklist and its place in a series move
    /// with it; the next occurrences of the series are created in the new space. `keeps_assignee` says whether the assignee
    /// is a member there; otherwise the task is no longer assigned.
    ///
    /// Returns whether the task changed. It does not if it is in that space already.
    pub fn move_to(&mut self, space: SpaceId, keeps_assignee: bool, now: Timestamp) -> bool {
        if self.space == space {
            return false;
        }
        self.space = space;
        self.assigned_to = self.assigned_to.filter(|_| keeps_assignee);
        let after_last = self.moved_at.map(|last| last + SignedDuration::from_secs(1));
        self.moved_at = Some(after_last.map_or(now, |after_last| after_last.max(now)));
        self.count_edit(now);
        true
    }

    /// How many reminders the task has that count against the quota of its space: those of open tasks do.
    pub fn open_reminders(&self) -> usize {
        if self.status == Status::Completed { 0 } else { self.reminders.len() }
    }
}
