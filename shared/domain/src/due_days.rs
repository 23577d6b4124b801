//! What is due on some days of somebody. An all-day task is due on the day that it names, wherever they are now: its
//! instant is that of the zone in which its due time was set. What has a time of day is due at its instant.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{due::Due, task::Task, user::User};

/// How far clocks are from UTC at most: ahead of it (Pacific/Kiritimati) and behind it (Etc/GMT+12).
const AHEAD: SignedDuration = SignedDuration::from_hours(14);
const BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// Some days on a calendar, and the instants between which they lie for whoever asks. Each goes from the first, inclusive, to
/// the second, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDays {
    /// The days that all-day tasks name; without a first one all before the second.
    pub days: (Option<Date>, Date),
    /// The instants of all others.
    pub instants: (Option<Timestamp>, Timestamp),
}

impl DueDays {
    /// Whether a task is due on one of them.
    pub fn admit(&self, task: &Task) -> bool {
        match (&task.due, task.due_at) {
            (Some(Due::Date(day)), _) => is_within(*day, self.days),
            (_, Some(at)) => is_within(at, self.instants),
            (_, None) => false,
        }
    }

    /// What is due on the days of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            days: (self.days.0.max(other.days.0), self.days.1.min(other.days.1)),
            instants: (self.instants.0.max(other.instants.0), self.instants.1.min(other.instants.1)),
        }
    }

    /// Between which instants all of it is due, in whatever zone it was set.
    pub fn bounds(&self) -> (Option<Timestamp>, Timestamp) {
        let utc = |day: Date| day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |day| day.timestamp());
        // The last second of the first day, where clocks are farthest ahead.
        let first = |day: Date| {
            let ends = utc(day.tomorrow().unwrap_or(day));
            ends - SignedDuration::from_secs(1) - AHEAD
        };
        let (start, end) = self.instants;
        let start = self.days.0.zip(start).map(|(day, start)| first(day).min(start));
        (start, (utc(self.days.1) + BEHIND).max(end))
    }
}

fn is_within<T: PartialOrd>(found: T, (first, end): (Option<T>, T)) -> bool {
    first.is_none_or(|first| first <= found) && found < end
}

impl User {
    /// What is due from the beginning of a day to that of another one.
    pub fn due_between(&self, first: Date, end: Date) -> DueDays {
        DueDays { days: (Some(first), end), instants: (Some(self.start_of(first)), self.start_of(end)) }
    }

    /// What is overdue: due before now, and for all-day tasks before today.
    pub fn overdue_at(&self, now: Timestamp) -> DueDays {
        DueDays { days: (None, self.local_date(now)), instants: (None, now) }
    }
}
