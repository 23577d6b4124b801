//! The occurrences of a task, one after the other.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Rule,
    expansion::{Expansion, MAX_PERIODS},
};
use crate::{
    due::{Due, YEARS},
    violation::Violation,
    words::word_enum,
    zone::Zone,
};

word_enum!(RecurrenceFrom, "What the next occurrence is counted from.",
    Due = "due": "The time of this one in the rule, however late it is completed.",
    Completion = "completion": "The moment of its completion, at the same time of day.",
);

/// More than clocks are ever set forward.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(3);

/// Where an occurrence is in its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The rule.
    pub rule: Rule,
    /// What the next occurrence is counted from.
    pub from: RecurrenceFrom,
    /// The time of this occurrence in the rule: its due time, before anybody rescheduled it.
    pub slot: Due,
    /// Which occurrence this is; the first is 1. Those that were never made, because the series continued after the
    /// present, are not counted.
    pub number: u32,
}

impl Series {
    /// The series that begins with a due time.
    ///
    /// # Errors
    /// A [`Violation`]: `no_occurrence` if the rule gives nothing after the due time, `ends_before_due` if its
    /// UNTIL is earlier, `needs_time` if it names times of day and the due time is a day.
    pub fn starting(
        rule: Rule,
        from: RecurrenceFrom,
        slot: Due,
        zone: &Zone,
    ) -> Result<Self, Violation> {
        if matches!(slot, Due::Date(_)) && rule.names_times() {
            let why = "The rule names times of day, and the task is due on a day.";
            return Err(Violation::new("needs_time", why));
        }
        if rule.until.is_some_and(|until| !until.admits(&slot, zone)) {
            return Err(Violation::new("ends_before_due", "Its UNTIL is before the due time."));
        }
        let series = Self { rule, from, slot, number: 1 };
        if series.due_after(&series.slot, series.slot.at(zone), zone).is_none() {
            let why = "The rule gives no occurrence after the due time.";
            return Err(Violation::new("no_occurrence", why));
        }
        Ok(series)
    }

    /// The first occurrences that follow, each as if the one before it were completed at its due time.
    pub fn following<'a>(&'a self, zone: &'a Zone, limit: u8) -> impl Iterator<Item = Self> + 'a {
        let next = |one: &Self| one.next_from(&one.slot, one.slot.at(zone), zone);
        std::iter::successors(next(self), move |one| next(one)).take(limit.into())
    }

    /// The next occurrence, when this one is completed at a moment; none when the series ends. If it counts from the
    /// completion, it is after both.
    pub fn next(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        let slot_at = self.slot.at(zone);
        match self.from {
            RecurrenceFrom::Due => self.next_from(&self.slot, slot_at, zone),
            RecurrenceFrom::Completion => {
                self.next_from(&self.completed_slot(zone, now)?, slot_at.max(now), zone)
            }
        }
    }

    /// The next occurrence, when this one completes itself at a moment: it is not in the past, or a series that began
    /// long ago would run through all of it.
    pub fn next_in_future(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        match self.from {
            RecurrenceFrom::Due => self.next_from(&self.slot, self.slot.at(zone).max(now), zone),
            RecurrenceFrom::Completion => self.next(zone, now),
        }
    }

    /// The next occurrence, when this one is skipped at a moment; it is after this one in any case.
    pub fn after_skipping(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        let slot_at = self.slot.at(zone);
        match self.from {
            RecurrenceFrom::Due => self.next_from(&self.slot, slot_at, zone),
            RecurrenceFrom::Completion => {
                let completed = self.completed_slot(zone, now)?;
                let completed_is_later = completed.at(zone) > slot_at;
                let anchor = if completed_is_later { &completed } else { &self.slot };
                self.next_from(anchor, anchor.at(zone), zone)
            }
        }
    }

    /// The slot of this occurrence, had it been due when it was completed: on that day at its own time of day.
    fn completed_slot(&self, zone: &Zone, now: Timestamp) -> Option<Due> {
        let clock = self.slot.clock(zone);
        if self.rule.is_sub_daily() {
            return self.slot.moved_to_instant(now, zone);
        }
        let day = now.to_zoned(clock.rules().clone()).date();
        self.slot.moved_to(day.to_datetime(self.slot.place(zone).time()), zone)
    }

    /// The occurrence after this one that the rule has later than a moment, counted from an anchor.
    fn next_from(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Self> {
        let number = self.number.checked_add(1).filter(|n| self.rule.count.is_none_or(|c| *n <= c))?;
        let slot = self.due_after(anchor, after, zone)?;
        let admitted = self.rule.until.is_none_or(|until| until.admits(&slot, zone));
        admitted.then(|| Self { slot, number, ..self.clone() })
    }

    fn due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        if self.rule.is_elapsed() {
            self.elapsed_due_after(anchor, after, zone)
        } else {
            self.wall_due_after(anchor, after, zone)
        }
    }

    /// On the wall clock. A wall time that the clocks skip moves forward, and can meet or pass the one that follows:
    /// then that one is left out, so an occurrence is always later than the one before.
    fn wall_due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        let expansion = Expansion::new(&self.rule.parts, anchor.place(zone));
        let rules = anchor.clock(zone).rules().clone();
        let near = (after - LONGEST_GAP).to_zoned(rules).datetime();
        let near = if let Due::Date(_) = anchor { near.date().yesterday().ok()?.into() } else { near };
        let mut place = anchor.place(zone).max(near);
        let mut periods = MAX_PERIODS;
        loop {
            periods = periods.checked_sub(1)?;
            place = expansion.next_after(place, last_day(), &mut periods)?;
            let due = anchor.moved_to(place, zone)?;
            if due.at(zone) > after {
                return Some(due);
            }
        }
    }

    /// In elapsed time: between two changes of the clocks the wall clock runs evenly, so the rule is expanded from
    /// one to the next, from where the start would be on the clock of that time.
    fn elapsed_due_after(&self, anchor: &Due, after: Timestamp, zone: &Zone) -> Option<Due> {
        let start = anchor.at(zone);
        let rules = anchor.clock(zone).rules().clone();
        let mut after = after.max(start);
        let mut periods = MAX_PERIODS;
        loop {
            // What follows is later than `after`, so the offset is that of the second behind it.
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

/// The last day on which something can be due.
fn last_day() -> Date {
    jiff::civil::date(*YEARS.end(), 12, 31)
}
