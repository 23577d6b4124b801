//! Due times: a day, a wall time in a time zone, or an instant.

use std::fmt;

use jiff::{
    Timestamp, ToSpan, Zoned, civil,
    tz::{AmbiguousOffset, Offset},
};

use crate::{timestamp::DateTimeParts, violation::Violation, zone::Zone};

/// The hour that the reminders of an all-day task count from.
const ALL_DAY_REMINDER_HOUR: i8 = 9;

/// The accepted years of a due time.
pub(crate) const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// A due time in the form in which it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A day in the user's time zone: `2026-03-01`.
    Date(civil::Date),
    /// A wall time in a time zone: `2026-03-01T09:00:00[Europe/Berlin]`. It stays the same when the rules of the time zone
    /// change. If the wall time occurs twice, an offset selects the later one:
    /// `2026-10-25T02:30:00+01:00[Europe/Berlin]`.
    Wall(civil::DateTime, Zone, Fold),
    /// An instant: `2026-03-01T08:00:00Z`.
    Instant(Timestamp),
}

/// Which of two equal wall times is meant when clocks are set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The first.
    Earlier,
    /// The second.
    Later,
}

impl Due {
    /// Reads one of the three forms (RFC 3339, RFC 9557). Fractions of a second are dropped, an instant is converted to UTC,
    /// and suffixes other than the time zone are dropped.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_time`, `time_without_zone`, `unknown_time_zone` or `out_of_range`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let DateTimeParts { date, time, offset, zone } = DateTimeParts::parse(text)?;
        // An offset moves an instant by at most one year.
        if !(YEARS.start() - 1..=YEARS.end() + 1).contains(&date.year()) {
            return Err(out_of_range());
        }
        let due = match (time, offset, zone) {
            (None, ..) => Self::Date(date),
            (Some(time), offset, Some(zone)) => {
                Self::wall(civil::DateTime::from_parts(date, time), offset, zone)?
            }
            (Some(time), Some(offset), None) => {
                let local = civil::DateTime::from_parts(date, time);
                Self::Instant(offset.to_timestamp(local).map_err(|_| out_of_range())?)
            }
            (Some(_), None, None) => {
                let why = "A time needs a time zone or an offset: 2026-03-01T09:00[Europe/Berlin] or 2026-03-01T08:00:00Z.";
                return Err(Violation::new("time_without_zone", why));
            }
        };
        let year = match &due {
            Self::Date(date) => date.year(),
            Self::Wall(local, ..) => local.year(),
            Self::Instant(instant) => instant.to_zoned(jiff::tz::TimeZone::UTC).year(),
        };
        YEARS.contains(&year).then_some(due).ok_or_else(out_of_range)
    }

    /// Reads a stored due time, which was accepted by [`Self::parse`]. If the time zone no longer has the offset that selected
    /// the later of two equal wall times, the offset is ignored.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_trusted(text: &str) -> Result<Self, Violation> {
        let parsed = Self::parse(text);
        match text.find('[') {
            Some(bracket) if parsed.is_err() => {
                let (time, zone) = text.split_at(bracket);
                let local = time.get(.."2026-03-01T09:00:00".len()).unwrap_or(time);
                Self::parse(&format!("{local}{zone}"))
            }
            _ => parsed,
        }
    }

    fn wall(local: civil::DateTime, offset: Option<Offset>, zone: Zone) -> Result<Self, Violation> {
        // Only the wall time and the fold are kept. An offset that the time zone does not have at this time would be lost,
        // so it is refused.
        let named = offset.map(|offset| offset.to_timestamp(local).map_err(|_| out_of_range()));
        let named = named.transpose()?;
        let fold = [Fold::Earlier, Fold::Later]
            .into_iter()
            .find(|fold| named.is_none_or(|instant| instant == resolve(local, &zone, *fold)));
        match fold {
            Some(fold) => Ok(Self::Wall(local, zone, fold)),
            None => Err(Violation::new(
                "invalid_time",
                "The time zone does not have this offset at this time: leave the offset out, or give an instant.",
            )),
        }
    }

    /// The instant at which the task becomes overdue.
    ///
    /// For an all-day task it is the last second of the day in the user's time zone: the later 23:59:59 if the time occurs
    /// twice, and the last second before the gap if DST skips it. If the time zone skipped the whole day, the next day is
    /// used. A wall time that DST skips moves forward by the gap. Of a wall time that occurs twice, the first is used unless
    /// its offset selects the second.
    pub fn at(&self, user_zone: &Zone) -> Timestamp {
        match self {
            Self::Date(date) => last_second(*date, user_zone),
            Self::Wall(local, zone, fold) => resolve(*local, zone, *fold),
            Self::Instant(instant) => *instant,
        }
    }

    /// The start of the day, or the instant of the due time.
    pub fn starts_at(&self, user_zone: &Zone) -> Timestamp {
        match self {
            Self::Date(date) => resolve(date.at(0, 0, 0, 0), user_zone, Fold::Earlier),
            Self::Wall(..) | Self::Instant(_) => self.at(user_zone),
        }
    }

    /// The wall time: the start of the day, the given wall time, or the instant in the user's time zone.
    pub fn wall_time(&self, user_zone: &Zone) -> civil::DateTime {
        match self {
            Self::Date(date) => date.at(0, 0, 0, 0),
            Self::Wall(local, ..) => *local,
            Self::Instant(instant) => instant.to_zoned(user_zone.rules().clone()).datetime(),
        }
    }

    /// The time zone of [`Self::wall_time`].
    pub fn zone(&self, user_zone: &Zone) -> Zone {
        match self {
            Self::Date(_) | Self::Instant(_) => user_zone.clone(),
            Self::Wall(_, zone, _) => zone.clone(),
        }
    }

    /// A due time of the same form at another wall time. `None` outside the accepted years.
    pub fn moved_to(&self, local: civil::DateTime, user_zone: &Zone) -> Option<Self> {
        YEARS.contains(&local.year()).then(|| match self {
            Self::Date(_) => Self::Date(local.date()),
            Self::Wall(_, zone, _) => Self::Wall(local, zone.clone(), Fold::Earlier),
            Self::Instant(_) => Self::Instant(resolve(local, user_zone, Fold::Earlier)),
        })
    }

    /// A due time of the same form at another instant. `None` outside the accepted years.
    pub fn moved_to_instant(&self, at: Timestamp, user_zone: &Zone) -> Option<Self> {
        let local = at.to_zoned(self.zone(user_zone).rules().clone()).datetime();
        Some(match self.moved_to(local, user_zone)? {
            Self::Date(date) => Self::Date(date),
            Self::Wall(local, zone, earlier) if resolve(local, &zone, earlier) == at => {
                Self::Wall(local, zone, earlier)
            }
            Self::Wall(local, zone, _) => Self::Wall(local, zone, Fold::Later),
            Self::Instant(_) => Self::Instant(at),
        })
    }

    /// The time that reminders count from: 09:00 for an all-day task, otherwise the due time.
    pub fn reminder_base(&self, user_zone: &Zone) -> Zoned {
        match self {
            Self::Date(date) => {
                resolve(date.at(ALL_DAY_REMINDER_HOUR, 0, 0, 0), user_zone, Fold::Earlier)
                    .to_zoned(user_zone.rules().clone())
            }
            Self::Wall(local, zone, fold) => {
                resolve(*local, zone, *fold).to_zoned(zone.rules().clone())
            }
            Self::Instant(instant) => instant.to_zoned(user_zone.rules().clone()),
        }
    }
}

fn last_second(day: civil::Date, zone: &Zone) -> Timestamp {
    let (rules, last) = (zone.rules(), day.at(23, 59, 59, 0));
    let ambiguous = rules.to_ambiguous_timestamp(last);
    if let AmbiguousOffset::Gap { after, .. } = ambiguous.offset() {
        // With the offset after the gap, the skipped time is an instant before the gap.
        let gap = after.to_timestamp(last).ok().and_then(|before| rules.following(before).next());
        let end = gap.map_or(Timestamp::UNIX_EPOCH, |gap| gap.timestamp() - 1.second());
        if end.to_zoned(rules.clone()).date() == day {
            return end;
        }
    }
    ambiguous.later().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The accepted years are within the range of instants, so the fallback is never used.
fn resolve(local: civil::DateTime, zone: &Zone, fold: Fold) -> Timestamp {
    let ambiguous = zone.rules().clone().into_ambiguous_zoned(local);
    let zoned = match fold {
        Fold::Later if matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. }) => ambiguous.later(),
        _ => ambiguous.compatible(),
    };
    zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

fn out_of_range() -> Violation {
    let (first, last) = (YEARS.start(), YEARS.end());
    Violation::new("out_of_range", format!("The year must be between {first} and {last}."))
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Wall(local, zone, Fold::Earlier) => write!(f, "{local}[{zone}]"),
            Self::Wall(local, zone, fold) => {
                // With the offset (RFC 9557).
                write!(f, "{}", resolve(*local, zone, *fold).to_zoned(zone.rules().clone()))
            }
            Self::Instant(instant) => write!(f, "{instant}"),
        }
    }
}

impl serde::Serialize for Due {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> String {
        Due::parse(text).unwrap().at(&Zone::parse("Europe/Berlin").unwrap()).to_string()
    }

    #[test]
    fn each_form_resolves_to_its_instant() {
        assert_eq!(at("2026-03-01"), "2026-03-01T22:59:59Z");
        assert_eq!(at("2026-03-01T09:00[America/New_York]"), "2026-03-01T14:00:00Z");
        assert_eq!(at("2026-03-01T09:00:00.987Z"), "2026-03-01T09:00:00Z");
        assert_eq!(at("2026-03-01T09:00:00+05:30"), "2026-03-01T03:30:00Z");
    }

    #[test]
    fn a_skipped_wall_time_moves_forward_and_the_first_of_a_repeated_one_is_used() {
        assert_eq!(at("2026-03-29T02:30[Europe/Berlin]"), "2026-03-29T01:30:00Z");
        assert_eq!(at("2026-10-25T02:30[Europe/Berlin]"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-10-25T02:30+02:00[Europe/Berlin]"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-10-25T02:30+01:00[Europe/Berlin]"), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn the_year_of_an_instant_is_checked_in_utc() {
        assert_eq!(at("2200-01-01T00:30+01:00"), "2199-12-31T23:30:00Z");
        assert_eq!(at("1969-12-31T23:30-01:00"), "1970-01-01T00:30:00Z");
        assert_eq!(at("1970-01-01T00:00[Asia/Tokyo]"), "1969-12-31T15:00:00Z");
    }

    #[test]
    fn an_all_day_task_is_due_at_the_last_second_of_its_day() {
        for (day, zone, end) in [
            // At 24:00 clocks go back to 23:00.
            ("2027-04-03", "America/Santiago", "2027-04-04T03:59:59Z"),
            // At 00:01 clocks go back to 23:01.
            ("2006-10-28", "America/St_Johns", "2006-10-29T03:29:59Z"),
            // At 01:00 clocks go back to 00:00: the next day has this hour twice.
            ("2027-10-30", "Atlantic/Azores", "2027-10-30T23:59:59Z"),
            // At 00:00 clocks go forward to 01:00: the next day has no midnight.
            ("2027-04-29", "Africa/Cairo", "2027-04-29T21:59:59Z"),
            // At 23:00 clocks go forward to 00:00.
            ("2027-03-27", "America/Nuuk", "2027-03-28T00:59:59Z"),
            ("2027-04-03", "Australia/Lord_Howe", "2027-04-03T12:59:59Z"),
            // 30 December was skipped.
            ("2011-12-29", "Pacific/Apia", "2011-12-30T09:59:59Z"),
            ("2011-12-30", "Pacific/Apia", "2011-12-31T09:59:59Z"),
            ("2011-12-31", "Pacific/Apia", "2011-12-31T09:59:59Z"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(Due::parse(day).unwrap().at(&zone).to_string(), end, "{day} {zone}");
        }
    }

    /// In all time zones, on all days around a change of clocks.
    #[test]
    fn after_the_end_of_a_day_clocks_never_show_the_day_again() {
        let (first, last) = ("1970-01-03T00:00Z", "2040-01-01T00:00Z");
        let [first, last] = [first, last].map(|text| text.parse::<Timestamp>().unwrap());
        let mut changes = 0;
        for name in jiff::tz::db().available() {
            let Ok(zone) = Zone::parse(name.as_str()) else { continue };
            let date = |at: Timestamp| at.to_zoned(zone.rules().clone()).date();
            for change in zone.rules().following(first).take_while(|change| change.timestamp() < last) {
                changes += 1;
                let before = date(change.timestamp() - 1.second());
                for day in [before, before.tomorrow().unwrap(), date(change.timestamp())] {
                    let end = Due::Date(day).at(&zone);
                    let exists = (-50..50).any(|hours: i64| date(end + hours.hours()) == day);
                    assert!(date(end) == day || !exists, "{name} {day}");
                    for later in [end + 1.second(), change.timestamp().max(end + 1.second())] {
                        assert!(date(later) > day, "{name} {day}: {later}");
                    }
                }
            }
        }
        assert!(changes > 10_000, "{changes}");
    }

    #[test]
    fn the_reminders_of_an_all_day_task_count_from_nine_in_the_users_time_zone() {
        let zone = Zone::parse("Asia/Tokyo").unwrap();
        let base = Due::parse("2026-03-01").unwrap().reminder_base(&zone);
        assert_eq!(base.timestamp().to_string(), "2026-03-01T00:00:00Z");
    }

    #[test]
    fn each_kind_of_invalid_due_time_has_its_own_code() {
        for (text, code) in [
            ("tomorrow", "invalid_time"),
            ("", "invalid_time"),
            ("2026-02-30", "invalid_time"),
            ("2026-03-01T25:00:00Z", "invalid_time"),
            ("2026-03-01[Europe/Berlin]", "invalid_time"),
            ("2026-03-01T09:00[Europe/Berlin", "invalid_time"),
            ("2026-03-01T09:00+05:00[Europe/Berlin]", "invalid_time"),
            ("2026-10-25T02:30+00:00[Europe/Berlin]", "invalid_time"),
            ("2026-03-01T09:00Z[Europe/Berlin]", "invalid_time"),
            ("2026-03-01T09:00", "time_without_zone"),
            ("2026-03-01T09:00[Mars/Olympus]", "unknown_time_zone"),
            ("20270301", "invalid_time"),
            ("2026-03-29T02:30+02:00[Europe/Berlin]", "invalid_time"),
            ("0001-01-01", "out_of_range"),
            ("0000-01-01T00:00Z", "out_of_range"),
            ("0001-01-01T00:00:00+14:00", "out_of_range"),
            ("9999-12-31", "out_of_range"),
            ("9999-12-31T23:59:59Z", "out_of_range"),
            ("9999-12-31T23:59:59-12:00", "out_of_range"),
            ("9999-12-31T23:59[Pacific/Niue]", "out_of_range"),
            ("1969-12-31", "out_of_range"),
            ("1969-12-31T23:59[Asia/Tokyo]", "out_of_range"),
            ("1970-01-01T00:30+01:00", "out_of_range"),
            ("2200-01-01T00:00Z", "out_of_range"),
            ("2199-12-31T23:30-01:00", "out_of_range"),
            ("9000-12-31T23:59:59Z", "out_of_range"),
        ] {
            assert_eq!(Due::parse(text).unwrap_err().code, code, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_due_time_is_parsed_from_its_text(
            second in 0_i64..7_258_118_399,
            form in 0..3,
            zone in proptest::sample::select(vec!["Europe/Berlin", "America/St_Johns", "UTC", "Australia/Lord_Howe"]),
        ) {
            let zone = Zone::parse(zone).unwrap();
            let instant = Timestamp::from_second(second).unwrap();
            let local = instant.to_zoned(zone.rules().clone()).datetime();
            let due = match form {
                0 => Due::Date(local.date()),
                1 => Due::Wall(local, zone.clone(), Fold::Earlier),
                _ => Due::Instant(instant),
            };
            prop_assume!(YEARS.contains(&local.year()));
            prop_assert_eq!(Due::parse(&due.to_string()).unwrap(), due);
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = Due::parse(&text);
        }
    }
}
