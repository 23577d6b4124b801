//! The occurrences of a recurring task.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Rule,
    expansion::{Expansion, MAX_PERIODS},
};
use crate::{
    due::{Due, YEARS},
    string_enum::string_enum,
    violation::Violation,
    zone::Zone,
};

string_enum!(RecurrenceFrom, "What the next occurrence is counted from.",
    Due = "due": "The occurrence time, however late the occurrence is completed.",
    Completion = "completion": "The day of its completion, at the same time of day.",
);

/// An upper bound of the gap when clocks are set forward.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(3);

/// The position of an occurrence in its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The rule.
    pub rule: Rule,
    /// What the next occurrence is counted from.
    pub from: RecurrenceFrom,
    /// The time of this occurrence in the rule: its due time before it was rescheduled.
    pub occurrence_time: Due,
    /// The number of this occurrence, starting at 1. Occurrences that an automatic completion left out are not counted.
    pub number: u32,
}

impl Series {
    /// The series that starts at a due time.
    ///
    /// # Errors
    /// A [`Violation`]: `no_occurrence` if the rule has no occurrence after the due time, `ends_before_due` if its UNTIL is
    /// before it, `needs_time` if the rule has times of day and the due time is a day.
    pub fn starting(
        rule: Rule,
        from: RecurrenceFrom,
        due: Due,
        zone: &Zone,
    ) -> Result<Self, Violation> {
        if matches!(due, Due::Date(_)) && rule.names_times() {
            let why = "The rule has times of day: give due a time too.";
            return Err(Violation::new("needs_time", why));
        }
        if rule.until.is_some_and(|until| !until.admits(&due, zone)) {
            return Err(Violation::new("ends_before_due", "UNTIL must not be before the due time."));
        }
        let series = Self { rule, from, occurrence_time: due, number: 1 };
        let start = &series.occurrence_time;
        if series.due_after(start, start.at(zone), zone).is_none() {
            let why = "The rule has no occurrence after the due time.";
            return Err(Violation::new("no_occurrence", why));
        }
        Ok(series)
    }

    /// The next occurrences, as if each were completed at its due time.
    pub fn upcoming<'a>(&'a self, zone: &'a Zone, limit: u8) -> impl Iterator<Item = Self> + 'a {
        let next = |one: &Self| one.next_from(&one.occurrence_time, one.occurrence_time.at(zone), zone);
        std::iter::successors(next(self), move |one| next(one)).take(limit.into())
    }

    /// The next occurrence after this one is completed at `now`. `None` if the series ends. If it counts from the completion,
    /// it is after both the occurrence time and the completion.
    pub fn next(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        let occurs_at = self.occurrence_time.at(zone);
        match self.from {
            RecurrenceFrom::Due => self.next_from(&self.occurrence_time, occurs_at, zone),
            RecurrenceFrom::Completion => {
                self.next_from(&self.completion_time(zone, now)?, occurs_at.max(now), zone)
            }
        }
    }

    /// The next occurrence after this one completes itself at `now`. It is in the future, so a series does not catch up
    /// through the past.
    pub fn next_in_future(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        match self.from {
            RecurrenceFrom::Due => {
                let after = self.occurrence_time.at(zone).max(now);
                self.next_from(&self.occurrence_time, after, zone)
            }
            RecurrenceFrom::Completion => self.next(zone, now),
        }
    }

    /// The next occurrence after this one is skipped at `now`. It is always after this one.
    pub fn after_skipping(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        let occurs_at = self.occurrence_time.at(zone);
        match self.from {
            RecurrenceFrom::Due => self.next_from(&self.occurrence_time, occurs_at, zone),
            RecurrenceFrom::Completion => {
                let completed = self.completion_time(zone, now)?;
                let anchor =
                    if completed.at(zone) > occurs_at { &completed } else { &self.occurrence_time };
                self.next_from(anchor, anchor.at(zone), zone)
            }
        }
    }

    /// The day of the completion at the time of day of this occurrence, or the completion itself for rules with a frequency
    /// below a day.
    fn completion_time(&self, zone: &Zone, now: Timestamp) -> Option<Due> {
        let clock = self.occurrence_time.zone(zone);
        if self.rule.is_sub_daily() {
            return self.occurrence_time.moved_to_instant(now, zone);
        }
        let day = now.to_zoned(clock.rules().clone()).date();
        let time = self.occurrence_time.wall_time(zone).time();
        self.occurrence_time.moved_to(day.to_datetime(time), zone)
    }

    /// The first occurrence later than `after`, with periods counted from `anchor`.
    fn next_from(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Self> {
        let number = self.number.checked_add(1).filter(|n| self.rule.count.is_none_or(|c| *n <= c))?;
        let occurrence_time = self.due_after(anchor, after, zone)?;
        let admitted = self.rule.until.is_none_or(|until| until.admits(&occurrence_time, zone));
        admitted.then(|| Self { occurrence_time, number, ..self.clone() })
    }

    fn due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        if self.rule.is_elapsed() {
            self.elapsed_due_after(anchor, after, zone)
        } else {
            self.wall_due_after(anchor, after, zone)
        }
    }

    /// In wall time. A wall time that DST skips moves forward and can reach the next one. Then the next one is left out, so
    /// each occurrence is later than the one before.
    fn wall_due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        let expansion = Expansion::new(&self.rule.parts, anchor.wall_time(zone));
        let rules = anchor.zone(zone).rules().clone();
        let near = (after - MAX_GAP).to_zoned(rules).datetime();
        let near = if let Due::Date(_) = anchor { near.date().yesterday().ok()?.into() } else { near };
        let mut local = anchor.wall_time(zone).max(near);
        let mut periods = MAX_PERIODS;
        loop {
            periods = periods.checked_sub(1)?;
            local = expansion.next_after(local, last_day(), &mut periods)?;
            let due = anchor.moved_to(local, zone)?;
            if due.at(zone) > after {
                return Some(due);
            }
        }
    }

    /// In elapsed time. Between two changes of clocks the offset is constant, so the rule is expanded from one change to the
    /// next, with the start converted to the offset of that time.
    fn elapsed_due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        let start = anchor.at(zone);
        let rules = anchor.zone(zone).rules().clone();
        let mut after = after.max(start);
        let mut periods = MAX_PERIODS;
        loop {
            // The next occurrence is later than `after`, so the offset of the following second is used.
            let offset = rules.to_offset(after + SignedDuration::from_secs(1));
            let change = rules.following(after + SignedDuration::from_secs(1)).next();
            let change = change.map(|change| change.timestamp());
            let last = change.map_or(last_day(), |change| offset.to_datetime(change).date());
            let expansion = Expansion::new(&self.rule.parts, offset.to_datetime(start));
            let found =
                expansion.next_after(offset.to_datetime(after), last.min(last_day()), &mut periods);
            let found = found.and_then(|found| offset.to_timestamp(found).ok());
            match (found, change) {
                (Some(found), change) if change.is_none_or(|change| found < change) => {
                    return anchor.moved_to_instant(found, zone);
                }
                (_, Some(change)) if periods > 0 && last < last_day() => {
                    after = change - SignedDuration::from_secs(1);
                }
                _ => return None,
            }
        }
    }
}

/// The last accepted day of a due time.
fn last_day() -> Date {
    jiff::civil::date(*YEARS.end(), 12, 31)
}
