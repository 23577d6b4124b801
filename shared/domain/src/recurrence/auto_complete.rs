//! Tasks that complete themselves.

use std::{fmt, ops::RangeInclusive};

use jiff::{Span, SpanFieldwise, Timestamp, tz::TimeZone};

use crate::violation::Violation;

/// How long after the last change a task completes itself.
///
/// Months and years are calendar months and years in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoComplete(SpanFieldwise);

impl AutoComplete {
    /// The accepted range in seconds: one second to one year.
    const RANGE: RangeInclusive<i64> = 1..=366 * 86_400;

    /// Reads an ISO 8601 duration such as `PT2M` or `P1D`.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_duration` or `out_of_range` (1 second to 1 year).
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let example =
            || Violation::new("invalid_duration", "Give an ISO 8601 duration such as PT2M or P1D.");
        let span: Span =
            text.starts_with('P').then(|| text.parse().ok()).flatten().ok_or_else(example)?;
        let fraction =
            [span.get_milliseconds(), span.get_microseconds(), span.get_nanoseconds()] != [0, 0, 0];
        if fraction {
            return Err(Violation::new("invalid_duration", "Give whole seconds."));
        }
        let period = Self(span.fieldwise());
        // Counted from the first day of a leap year, so that a year has 366 days.
        let start = Timestamp::constant(1_704_067_200, 0);
        let length = period.after(start).map(|end| end.as_second() - start.as_second());
        if !length.is_some_and(|seconds| Self::RANGE.contains(&seconds)) {
            return Err(Violation::new("out_of_range", "It must be between 1 second and 366 days."));
        }
        Ok(period)
    }

    /// The instant this long after `start`. `None` if it is out of range.
    pub fn after(self, start: Timestamp) -> Option<Timestamp> {
        let end = start.to_zoned(TimeZone::UTC).checked_add(self.0.0).ok()?;
        Some(end.timestamp())
    }
}

impl fmt::Display for AutoComplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.0)
    }
}

impl serde::Serialize for AutoComplete {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
