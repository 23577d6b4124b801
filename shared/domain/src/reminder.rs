//! Reminders of tasks.

use std::fmt;

use jiff::{Span, Timestamp};

use crate::{delivery::Delivery, due::Due, id::ReminderId, violation::Violation, zone::Zone};

/// The maximum number of reminders of a task.
pub const MAX_REMINDERS: usize = 20;

/// The maximum lead time in days.
const MAX_LEAD_DAYS: i64 = 366;

/// The time between a reminder and the due time: calendar days, then seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadTime {
    days: i64,
    seconds: i64,
}

impl LeadTime {
    /// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as `P1D` or `PT30M`.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_duration` or `out_of_range` (0 to 366 days).
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let invalid = || {
            Violation::new("invalid_duration", "Give an ISO 8601 duration such as PT30M, PT1H or P1D.")
        };
        if !text.starts_with('P') {
            return Err(invalid());
        }
        let span: Span = text.parse().map_err(|_| invalid())?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(Violation::new(
                "invalid_duration",
                "Months and years are not allowed: give weeks, days, hours, minutes or seconds.",
            ));
        }
        if span.get_milliseconds() != 0 || span.get_microseconds() != 0 || span.get_nanoseconds() != 0 {
            return Err(Violation::new("invalid_duration", "Give whole seconds."));
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let seconds =
            i64::from(span.get_hours()) * 3_600 + span.get_minutes() * 60 + span.get_seconds();
        if span.is_negative() || days * 86_400 + seconds > MAX_LEAD_DAYS * 86_400 {
            return Err(Violation::new(
                "out_of_range",
                format!("It must be between 0 and {MAX_LEAD_DAYS} days."),
            ));
        }
        Ok(Self { days, seconds })
    }
}

impl LeadTime {
    /// A number of calendar days.
    pub fn days(days: i64) -> Self {
        Self { days, seconds: 0 }
    }

    /// A number of hours.
    pub fn hours(hours: i64) -> Self {
        Self { days: 0, seconds: hours * 3_600 }
    }

    /// The instant this long after `now`: calendar days in the time zone, then seconds. `None` if it is out of range.
    pub fn after(&self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let day = now.to_zoned(zone.rules().clone()).checked_add(Span::new().days(self.days)).ok()?;
        day.timestamp().checked_add(Span::new().seconds(self.seconds)).ok()
    }
}

impl fmt::Display for LeadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, rest) = (self.seconds / 3_600, self.seconds % 3_600);
        let span = Span::new().days(self.days).hours(hours).minutes(rest / 60).seconds(rest % 60);
        write!(f, "{span}")
    }
}

/// The time of a reminder in the form in which it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReminderSpec {
    /// A time before the due time. Days are calendar days: `P1D` before 09:00 is 09:00 even if clocks change in between.
    Before(LeadTime),
    /// A fixed time. It is never [`Due::Date`].
    At(Due),
    /// The end of a snooze. A task has at most one.
    Snoozed(Timestamp),
}

impl ReminderSpec {
    /// The default reminder: 30 minutes before the due time.
    pub fn half_an_hour_before() -> Self {
        Self::Before(LeadTime { days: 0, seconds: 1_800 })
    }

    /// Reads the time of an `at` reminder: a time with a time zone, or an instant.
    ///
    /// # Errors
    /// A [`Violation`] of [`Due::parse`], or `invalid_time` for a date without a time.
    pub fn parse_at(text: &str) -> Result<Self, Violation> {
        match Due::parse(text)? {
            Due::Date(_) => Err(Violation::new("invalid_time", "A reminder needs a time of day.")),
            time => Ok(Self::At(time)),
        }
    }

    /// The instant of the reminder. `None` if it counts from a due time and `due` is `None`.
    pub fn fire_at(&self, due: Option<&Due>, user_zone: &Zone) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time.at(user_zone)),
            Self::Snoozed(until) => Some(*until),
            Self::Before(lead_time) => {
                let base = due?.reminder_base(user_zone);
                let day = base.checked_sub(Span::new().days(lead_time.days)).ok()?;
                day.timestamp().checked_sub(Span::new().seconds(lead_time.seconds)).ok()
            }
        }
    }
}

impl serde::Serialize for ReminderSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Before(lead_time) => map.serialize_entry("before", &lead_time.to_string())?,
            Self::At(time) => map.serialize_entry("at", time)?,
            Self::Snoozed(until) => {
                map.serialize_entry("at", until)?;
                map.serialize_entry("snoozed", &true)?;
            }
        }
        map.end()
    }
}

/// A reminder of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Its id in the delivery log.
    pub id: ReminderId,
    /// Its time in the form in which it was set.
    pub spec: ReminderSpec,
    /// Its delivery, with the instant at which it is due.
    pub delivery: Delivery,
}

impl Reminder {
    /// A reminder that waits until `fire_at`.
    pub fn scheduled(id: ReminderId, spec: ReminderSpec, fire_at: Timestamp) -> Self {
        Self { id, spec, delivery: Delivery::scheduled(fire_at) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fires(spec: &ReminderSpec, due: &str) -> String {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        spec.fire_at(Some(&Due::parse(due).unwrap()), &zone).unwrap().to_string()
    }

    fn before(text: &str) -> ReminderSpec {
        ReminderSpec::Before(LeadTime::parse(text).unwrap())
    }

    #[test]
    fn a_day_before_is_the_same_wall_time_across_a_change_of_clocks() {
        // Clocks go forward on 29 March: the day before is 23 hours earlier.
        assert_eq!(fires(&before("P1D"), "2026-03-29T09:00[Europe/Berlin]"), "2026-03-28T08:00:00Z");
        assert_eq!(fires(&before("PT24H"), "2026-03-29T09:00[Europe/Berlin]"), "2026-03-28T07:00:00Z");
    }

    #[test]
    fn the_reminders_of_an_all_day_task_count_from_nine() {
        assert_eq!(fires(&before("PT30M"), "2026-07-01"), "2026-07-01T06:30:00Z");
    }

    #[test]
    fn invalid_lead_times_are_refused() {
        for (text, code) in [
            ("", "invalid_duration"),
            ("30 minutes", "invalid_duration"),
            ("30m", "invalid_duration"),
            ("P1M", "invalid_duration"),
            ("-PT5M", "invalid_duration"),
            ("PT0.5S", "invalid_duration"),
            ("P367D", "out_of_range"),
            ("PT99999999999999999999H", "invalid_duration"),
        ] {
            assert_eq!(LeadTime::parse(text).unwrap_err().code, code, "{text:?}");
        }
        assert_eq!(ReminderSpec::parse_at("2026-03-01").unwrap_err().code, "invalid_time");
    }

    proptest! {
        #[test]
        fn a_lead_time_is_parsed_from_its_text(days in 0_i64..300, seconds in 0_i64..500_000) {
            let lead_time = LeadTime { days, seconds };
            prop_assert_eq!(LeadTime::parse(&lead_time.to_string()).unwrap(), lead_time);
        }
    }
}
