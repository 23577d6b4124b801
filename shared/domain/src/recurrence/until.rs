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

/// The last moment at which an occurrence may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The end of a day on the wall clock.
    Date(civil::Date),
    /// A wall time.
    Local(civil::DateTime),
    /// An instant.
    Instant(Timestamp),
}

impl Until {
    /// Reads the three forms of a date or time; nothing for an end that no due time can reach.
    pub(super) fn parse(value: &str) -> Result<Option<Self>, Violation> {
        let text = value.strip_suffix('Z').unwrap_or(value);
        let date = !value.contains('T') && !value.ends_with('Z');
        // A leap second is the second before it.
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

    /// Whether an occurrence may begin then; one that is due on a day begins at the start of it.
    pub(super) fn admits(self, occurrence: &Due, zone: &Zone) -> bool {
        match self {
            Self::Date(last) => occurrence.place(zone).date() <= last,
            Self::Local(last) => occurrence.place(zone) <= last,
            Self::Instant(last) => occurrence.begins_at(zone) <= last,
        }
    }
}
