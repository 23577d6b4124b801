//! Quotas of a space.

use crate::{
    statistics::{Counter, Counters, counter_value},
    violation::Violation,
};

/// The maximum contents of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Tasks, completed ones included.
    pub tasks: u32,
    /// Reminders of open tasks.
    pub reminders: u32,
}

impl Quota {
    /// Checks whether a space can take one more task with this many reminders. Counters lag behind by moments, so a quota
    /// can be exceeded slightly.
    ///
    /// # Errors
    /// A [`Violation`] `too_many_tasks` or `too_many_reminders`.
    pub fn admit_task(&self, counters: &Counters, reminders: usize) -> Result<(), Violation> {
        if counter_value(counters, Counter::All) >= self.tasks.into() {
            let why = format!(
                "This space has too many tasks: the limit is {}. Delete tasks that you no longer need.",
                self.tasks
            );
            return Err(Violation::new("too_many_tasks", why));
        }
        self.admit_reminders(counters, reminders)
    }

    /// Checks whether the open tasks of a space can have this many more reminders.
    ///
    /// # Errors
    /// A [`Violation`] `too_many_reminders`.
    pub fn admit_reminders(&self, counters: &Counters, more: usize) -> Result<(), Violation> {
        if more == 0 || counter_value(counters, Counter::Reminders) < self.reminders.into() {
            return Ok(());
        }
        let why = format!(
            "The open tasks of this space have too many reminders: the limit is {}.",
            self.reminders
        );
        Err(Violation::new("too_many_reminders", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_over_the_quota_is_refused() {
        let quota = Quota { tasks: 2, reminders: 3 };
        let admit = |tasks, open_reminders, more| {
            let counters = [(Counter::All, tasks), (Counter::Reminders, open_reminders)].into();
            quota.admit_task(&counters, more).map_err(|refused| refused.code)
        };
        assert_eq!([admit(1, 2, 20), admit(1, 3, 0)], [Ok(()), Ok(())]);
        assert_eq!(
            [admit(2, 0, 0), admit(1, 3, 1)],
            [Err("too_many_tasks"), Err("too_many_reminders")]
        );
    }
}
