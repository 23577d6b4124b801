//! Tasks that are due on some days of a user. An all-day task is due on its day, in whatever time zone its due time was set
//! and the user is now. A task with a time of day is due at its instant.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{due::Due, task::Task, user::User};

/// The maximum offsets from UTC: ahead (Pacific/Kiritimati) and behind (Etc/GMT+12).
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(14);
const MAX_BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// Some days, and their instants in the time zone of a user. Both ranges include the start and exclude the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDays {
    /// The days, for all-day tasks. Without a start, all days before the end.
    pub days: (Option<Date>, Date),
    /// The instants, for tasks with a time of day.
    pub instants: (Option<Timestamp>, Timestamp),
}

impl DueDays {
    /// Whether a task is due on one of the days.
    pub fn admit(&self, task: &Task) -> bool {
        match (&task.due, task.due_at) {
            (Some(Due::Date(day)), _) => is_within(*day, self.days),
            (_, Some(at)) => is_within(at, self.instants),
            (_, None) => false,
        }
    }

    /// The days that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            days: (self.days.0.max(other.days.0), self.days.1.min(other.days.1)),
            instants: (self.instants.0.max(other.instants.0), self.instants.1.min(other.instants.1)),
        }
    }

    /// A range of instants that contains the due times of all these tasks, in whatever time zone they were set.
    pub fn bounds(&self) -> (Option<Timestamp>, Timestamp) {
        let utc = |day: Date| day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |day| day.timestamp());
        // The last second of the first day at the maximum offset ahead of UTC.
        let first = |day: Date| {
            let end = utc(day.tomorrow().unwrap_or(day));
            end - SignedDuration::from_secs(1) - MAX_AHEAD
        };
        let (start, end) = self.instants;
        let start = self.days.0.zip(start).map(|(day, start)| first(day).min(start));
        (start, (utc(self.days.1) + MAX_BEHIND).max(end))
    }
}

fn is_within<T: PartialOrd>(found: T, (first, end): (Option<T>, T)) -> bool {
    first.is_none_or(|first| first <= found) && found < end
}

impl User {
    /// The days from `first` up to, but not including, `end`.
    pub fn due_between(&self, first: Date, end: Date) -> DueDays {
        DueDays { days: (Some(first), end), instants: (Some(self.start_of(first)), self.start_of(end)) }
    }

    /// Everything overdue: due before now, or for all-day tasks before today.
    pub fn overdue_at(&self, now: Timestamp) -> DueDays {
        DueDays { days: (None, self.local_date(now)), instants: (None, now) }
    }
}
