//! The end of a series (UNTIL).

use jiff::{Timestamp, civil, tz::TimeZone};

use super::rule::invalid;
use crate::{
    due::{Due, YEARS},
    violation::Violation,
    zone::Zone,
};

pub(super) const UNTIL_FORMS: &str =
    "UNTIL must be like 20261231, 20261231T090000 or 20261231T080000Z.";

/// The last time at which an occurrence may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The end of a day in wall time.
    Date(civil::Date),
    /// A wall time.
    Local(civil::DateTime),
    /// An instant.
    Instant(Timestamp),
}

impl Until {
    /// Reads one of the three forms. `None` for an end after the accepted years of due times.
    pub(super) fn parse(value: &str) -> Result<Option<Self>, Violation> {
        let text = value.strip_suffix('Z').unwrap_or(value);
        let date = !value.contains('T') && !value.ends_with('Z');
        // A leap second is treated as the second before it.
        let leap = text.strip_suffix("60").filter(|_| !date).map(|minute| format!("{minute}59"));
        let text = leap.as_deref().unwrap_or(text);
        let local = match date {
            true => civil::Date::strptime("%Y%m%d", text).map(|date| date.at(0, 0, 0, 0)),
            false => civil::DateTime::strptime("%Y%m%dT%H%M%S", text),
        };
        let last = local.map_err(|_| invalid(UNTIL_FORMS))?;
        if last.year() > *YEARS.end() {
            return Ok(None);
        }
        Ok(if date {
            Some(Self::Date(last.date()))
        } else if value.ends_with('Z') {
            last.to_zoned(TimeZone::UTC).ok().map(|utc| Self::Instant(utc.timestamp()))
        } else {
            Some(Self::Local(last))
        })
    }

    /// Whether an occurrence may start then. One that is due on a day starts at the start of the day.
    pub(super) fn admits(self, occurrence: &Due, zone: &Zone) -> bool {
        match self {
            Self::Date(last) => occurrence.wall_time(zone).date() <= last,
            Self::Local(last) => occurrence.wall_time(zone) <= last,
            Self::Instant(last) => occurrence.starts_at(zone) <= last,
        }
    }
}
