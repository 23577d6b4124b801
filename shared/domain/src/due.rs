//! When a task is due: a day, a wall-clock time somewhere, or an instant.

use std::fmt;

use jiff::{
    Timestamp, ToSpan, Zoned, civil,
    tz::{AmbiguousOffset, Offset},
};

use crate::{timestamp::Written, violation::Violation, zone::Zone};

/// The hour from which the reminders of an all-day task are counted.
const ALL_DAY_REMINDER_HOUR: i8 = 9;

/// The years in which something can be due. What lies outside is a slip of the keyboard.
pub(crate) const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// When a task is due, as its owner said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// All day, in the zone of the user: `2026-03-01`.
    Date(civil::Date),
    /// A time on the wall clocks of a zone, which survives changes of the zone's rules:
    /// `2026-03-01T09:00:00[Europe/Berlin]`. Where clocks are set back, an offset names the later of two equal times:
    /// `2026-10-25T02:30:00+01:00[Europe/Berlin]`.
    Wall(civil::DateTime, Zone, Fold),
    /// A point in time: `2026-03-01T08:00:00Z`.
    Instant(Timestamp),
}

/// Which of two equal wall times is meant, where clocks are set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The first, as everywhere else.
    Earlier,
    /// The second.
    Later,
}

impl Due {
    /// Reads one of the three forms (RFC 3339, RFC 9557). Fractions of a second are cut off; an instant
    /// may be given with any offset and comes out in UTC. Suffixes that name no time zone are not kept.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_time`, `time_without_zone`, `unknown_time_zone` or `out_of_range`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let Written { date, time, offset, zone } = Written::parse(text)?;
        // An offset moves an instant into the year beside it at most.
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
                let why = "A time needs a zone or an offset: 2026-03-01T09:00[Europe/Berlin] or 2026-03-01T08:00:00Z.";
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

    /// Reads a due time that was parsed before it was stored. Should the time zone no longer have the offset that named
    /// the later of two equal times, the wall time is what counts.
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
        // What is kept is the wall time, and which of two equal ones it is. An offset that the zone does not have then,
        // or a Z, would be lost: refused, rather than understood otherwise.
        let named = offset.map(|offset| offset.to_timestamp(local).map_err(|_| out_of_range()));
        let named = named.transpose()?;
        let fold = [Fold::Earlier, Fold::Later]
            .into_iter()
            .find(|fold| named.is_none_or(|instant| instant == resolve(local, &zone, *fold)));
        match fold {
            Some(fold) => Ok(Self::Wall(local, zone, fold)),
            None => Err(Violation::new(
                "invalid_time",
                "The offset names another moment than the time in the zone: leave it out, or give an instant.",
            )),
        }
    }

    /// The instant at which the task becomes overdue; for an all-day task the last second of its day in
    /// the user's zone: the second 23:59:59 where clocks go back behind the first, and the last before they leap over its end. A
    /// day that a zone has left out is the one after it.
    ///
    /// A wall time that a zone skips (spring) moves forward by the gap; one that it repeats (autumn) is
    /// the first of the two, unless its offset names the second.
    pub fn at(&self, user_zone: &Zone) -> Timestamp {
        match self {
            Self::Date(date) => last_second(*date, user_zone),
            Self::Wall(local, zone, fold) => resolve(*local, zone, *fold),
            Self::Instant(instant) => *instant,
        }
    }

    /// The instant at which the occurrence begins: the start of the day, or the due time itself.
    pub fn begins_at(&self, user_zone: &Zone) -> Timestamp {
        match self {
            Self::Date(date) => resolve(date.at(0, 0, 0, 0), user_zone, Fold::Earlier),
            Self::Wall(..) | Self::Instant(_) => self.at(user_zone),
        }
    }

    /// Its time on the wall clock: the beginning of the day, the wall time, or the instant in the user's zone.
    pub fn place(&self, user_zone: &Zone) -> civil::DateTime {
        match self {
            Self::Date(date) => date.at(0, 0, 0, 0),
            Self::Wall(local, ..) => *local,
            Self::Instant(instant) => instant.to_zoned(user_zone.rules().clone()).datetime(),
        }
    }

    /// The zone whose wall clock it is on.
    pub fn clock(&self, user_zone: &Zone) -> Zone {
        match self {
            Self::Date(_) | Self::Instant(_) => user_zone.clone(),
            Self::Wall(_, zone, _) => zone.clone(),
        }
    }

    /// A due time of the same form at another wall time; none beyond the years in which something can be due.
    pub fn moved_to(&self, place: civil::DateTime, user_zone: &Zone) -> Option<Self> {
        YEARS.contains(&place.year()).then(|| match self {
            Self::Date(_) => Self::Date(place.date()),
            Self::Wall(_, zone, _) => Self::Wall(place, zone.clone(), Fold::Earlier),
            Self::Instant(_) => Self::Instant(resolve(place, user_zone, Fold::Earlier)),
        })
    }

    /// A due time of the same form at another instant; none beyond the years in which something can be due.
    pub fn moved_to_instant(&self, at: Timestamp, user_zone: &Zone) -> Option<Self> {
        let place = at.to_zoned(self.clock(user_zone).rules().clone()).datetime();
        Some(match self.moved_to(place, user_zone)? {
            Self::Date(date) => Self::Date(date),
            Self::Wall(local, zone, first) if resolve(local, &zone, first) == at => {
                Self::Wall(local, zone, first)
            }
            Self::Wall(local, zone, _) => Self::Wall(local, zone, Fold::Later),
            Self::Instant(_) => Self::Instant(at),
        })
    }

    /// The moment from which reminders are counted, on the clock they are counted on: 09:00 for an
    /// all-day task, else the due time itself.
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
        // By the clocks of afterwards it lies before the leap.
        let leap = after.to_timestamp(last).ok().and_then(|before| rules.following(before).next());
        let end = leap.map_or(Timestamp::UNIX_EPOCH, |leap| leap.timestamp() - 1.second());
        if end.to_zoned(rules.clone()).date() == day {
            return end;
        }
    }
    ambiguous.later().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Years are bounded, so the conversion cannot leave the range of instants; the fallback is never taken.
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
                // With its offset, as RFC 9557 writes it.
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
    fn the_three_forms_resolve_to_their_instants() {
        assert_eq!(at("2026-03-01"), "2026-03-01T22:59:59Z");
        assert_eq!(at("2026-03-01T09:00[America/New_York]"), "2026-03-01T14:00:00Z");
        assert_eq!(at("2026-03-01T09:00:00.987Z"), "2026-03-01T09:00:00Z");
        assert_eq!(at("2026-03-01T09:00:00+05:30"), "2026-03-01T03:30:00Z");
    }

    #[test]
    fn a_skipped_wall_time_moves_forward_and_a_repeated_one_is_the_first() {
        assert_eq!(at("2026-03-29T02:30[Europe/Berlin]"), "2026-03-29T01:30:00Z");
        assert_eq!(at("2026-10-25T02:30[Europe/Berlin]"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-10-25T02:30+02:00[Europe/Berlin]"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-10-25T02:30+01:00[Europe/Berlin]"), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn instants_are_in_range_by_their_year_in_utc() {
        assert_eq!(at("2200-01-01T00:30+01:00"), "2199-12-31T23:30:00Z");
        assert_eq!(at("1969-12-31T23:30-01:00"), "1970-01-01T00:30:00Z");
        assert_eq!(at("1970-01-01T00:00[Asia/Tokyo]"), "1969-12-31T15:00:00Z");
    }

    #[test]
    fn an_all_day_task_ends_with_the_last_second_of_its_day() {
        for (day, zone, end) in [
            // 24:00 is 23:00 again.
            ("2027-04-03", "America/Santiago", "2027-04-04T03:59:59Z"),
            // 00:01 is 23:01 of the day before.
            ("2006-10-28", "America/St_Johns", "2006-10-29T03:29:59Z"),
            // 01:00 is 00:00 again, and the next day has the hour twice.
            ("2027-10-30", "Atlantic/Azores", "2027-10-30T23:59:59Z"),
            // 00:00 is 01:00: the next day has no midnight.
            ("2027-04-29", "Africa/Cairo", "2027-04-29T21:59:59Z"),
            // 23:00 is 00:00 of the next day.
            ("2027-03-27", "America/Nuuk", "2027-03-28T00:59:59Z"),
            ("2027-04-03", "Australia/Lord_Howe", "2027-04-03T12:59:59Z"),
            // There is no such day: it is the one after it.
            ("2011-12-29", "Pacific/Apia", "2011-12-30T09:59:59Z"),
            ("2011-12-30", "Pacific/Apia", "2011-12-31T09:59:59Z"),
            ("2011-12-31", "Pacific/Apia", "2011-12-31T09:59:59Z"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(Due::parse(day).unwrap().at(&zone).to_string(), end, "{day} {zone}");
        }
    }

    /// In all zones, on all days around a change of their clocks.
    #[test]
    fn behind_the_end_of_a_day_clocks_never_show_the_day_again() {
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
    fn an_all_day_task_counts_its_reminders_from_nine_in_the_users_zone() {
        let zone = Zone::parse("Asia/Tokyo").unwrap();
        let base = Due::parse("2026-03-01").unwrap().reminder_base(&zone);
        assert_eq!(base.timestamp().to_string(), "2026-03-01T00:00:00Z");
    }

    #[test]
    fn each_kind_of_bad_time_has_its_own_code() {
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
        fn what_is_printed_reads_back_the_same(
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
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = Due::parse(&text);
        }
    }
}
