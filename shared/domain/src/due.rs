//! When a task is due: a day, a wall-clock time somewhere, or an instant.

use std::fmt;

use jiff::{Timestamp, Zoned, civil, tz::AmbiguousOffset};

use crate::{clock::whole_seconds, violation::Violation, zone::Zone};

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
    /// may be given with any offset and comes out in UTC.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_time`, `time_without_zone`, `unknown_time_zone` or `out_of_range`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let due = match text.find('[') {
            Some(bracket) => Self::parse_wall(text, bracket)?,
            None if text.len() == "2026-03-01".len() => {
                Self::Date(text.parse().map_err(|_| invalid())?)
            }
            None => Self::parse_instant(text)?,
        };
        let year = match &due {
            Self::Date(date) => date.year(),
            Self::Wall(local, ..) => local.year(),
            Self::Instant(instant) => instant.to_zoned(jiff::tz::TimeZone::UTC).year(),
        };
        if !YEARS.contains(&year) {
            let (first, last) = (YEARS.start(), YEARS.end());
            return Err(Violation::new(
                "out_of_range",
                format!("The year must be between {first} and {last}."),
            ));
        }
        Ok(due)
    }

    fn parse_wall(text: &str, bracket: usize) -> Result<Self, Violation> {
        let name = text[bracket + 1..].strip_suffix(']').ok_or_else(invalid)?;
        let zone = Zone::parse(name)?;
        // Read as a whole, an offset that the zone never has then is refused.
        let whole: Zoned = text.parse().map_err(|_| invalid())?;
        let local: civil::DateTime = text[..bracket].parse().map_err(|_| invalid())?;
        if !text[..bracket].contains(['T', 't', ' ']) {
            return Err(invalid());
        }
        let local = local.with().subsec_nanosecond(0).build().map_err(|_| invalid())?;
        // What is kept is the wall time, and which of two equal ones it is. An offset that names another moment, or
        // a Z, would be lost: refused, rather than understood otherwise.
        let named = whole_seconds(whole.timestamp());
        let folds = [Fold::Earlier, Fold::Later];
        let fold = folds.into_iter().find(|fold| resolve(local, &zone, *fold) == named);
        match fold {
            Some(fold) => Ok(Self::Wall(local, zone, fold)),
            None => Err(Violation::new(
                "invalid_time",
                "The offset names another moment than the time in the zone: leave it out, or give an instant.",
            )),
        }
    }

    fn parse_instant(text: &str) -> Result<Self, Violation> {
        match text.parse::<Timestamp>() {
            Ok(instant) => Ok(Self::Instant(whole_seconds(instant))),
            Err(_) if text.parse::<civil::DateTime>().is_ok() => Err(Violation::new(
                "time_without_zone",
                "A time needs a zone or an offset: 2026-03-01T09:00[Europe/Berlin] or 2026-03-01T08:00:00Z.",
            )),
            Err(_) => Err(invalid()),
        }
    }

    /// The instant at which the task becomes overdue; for an all-day task the last second of its day in
    /// the user's zone.
    ///
    /// A wall time that a zone skips (spring) moves forward by the gap; one that it repeats (autumn) is
    /// the first of the two, unless its offset names the second.
    pub fn at(&self, user_zone: &Zone) -> Timestamp {
        match self {
            Self::Date(date) => resolve(date.at(23, 59, 59, 0), user_zone, Fold::Later),
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

/// Years are bounded, so the conversion cannot leave the range of instants; the fallback is never taken.
fn resolve(local: civil::DateTime, zone: &Zone, fold: Fold) -> Timestamp {
    let ambiguous = zone.rules().clone().into_ambiguous_zoned(local);
    let zoned = match fold {
        Fold::Later if matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. }) => ambiguous.later(),
        _ => ambiguous.compatible(),
    };
    zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

fn invalid() -> Violation {
    Violation::new(
        "invalid_time",
        "Give a date (2026-03-01), a time in a zone (2026-03-01T09:00[Europe/Berlin]) or an instant \
         (2026-03-01T08:00:00Z).",
    )
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
            ("0001-01-01", "out_of_range"),
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
