//! How a task comes again: a recurrence rule of RFC 5545, expanded on the wall clock.
//!
//! A rule is a grid of wall times that begins at the first due time. Each occurrence stands on one place of
//! that grid, its *slot*, and keeps it when it is rescheduled; the next occurrence is counted from the slot.
//! Every place of the grid is as good a beginning as the first one, so nothing but the slot and its number
//! has to be kept. Only when the place is found, it is resolved to an instant in the zone: 09:00 stays 09:00
//! on both sides of a change of the clocks.
//!
//! A place that does not exist (the 31st in a short month, 29 February) is left out, as RFC 5545 §3.3.10 says.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use jiff::{Span, SpanFieldwise, Timestamp, civil, tz::TimeZone};
use rrule::RRuleSet;

use crate::{due::Due, violation::Violation, words::word_enum, zone::Zone};

/// The longest rule, in characters.
const MAX_RULE: usize = 500;

/// The most times on one day that BYHOUR, BYMINUTE and BYSECOND may name together: the engine expands a year at
/// a time. (Where a rule never comes true, it gives up after 100,000 steps or in the year 10,000.)
const MAX_TIMES_A_DAY: usize = 100;

/// The parts of a rule (RFC 5545 §3.3.10) that make the grid; COUNT and UNTIL end it.
const GRID_PARTS: [&str; 12] = [
    "FREQ",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

/// A recurrence rule: the value of an RRULE property, without DTSTART.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    text: String,
    grid: String,
    count: Option<u32>,
    until: Option<Until>,
    /// FREQ is shorter than a day: a completion counts with its time of day.
    within_a_day: bool,
}

/// The last moment at which an occurrence may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The end of a day on the wall clock.
    Date(civil::Date),
    /// A wall time.
    Local(civil::DateTime),
    /// An instant.
    Instant(Timestamp),
}

impl Rule {
    /// Reads a rule such as `FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10`, in any case.
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_recurrence` that names the part.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let rule = Self::stored(text)?;
        let somewhere = civil::date(2024, 2, 29).at(0, 0, 0, 0);
        rule.expansion(somewhere).map_err(|_| {
            invalid("A part has no value that RFC 5545 allows, or is not allowed with this FREQ.")
        })?;
        Ok(rule)
    }

    /// Reads a rule that was parsed before it was stored: the engine is not asked about it again, which takes more
    /// time and memory than all else that reading a task does.
    ///
    /// # Errors
    /// The same for what stands on the surface of the text.
    pub fn stored(text: &str) -> Result<Self, Violation> {
        let text = text.to_ascii_uppercase();
        if text.len() > MAX_RULE {
            return Err(invalid(format!("A rule may have {MAX_RULE} characters.")));
        }
        let (mut grid, mut seen) = (Vec::new(), Vec::new());
        let (mut count, mut until, mut times_a_day) = (None, None, 1);
        for part in text.split(';') {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                invalid("Give the value of an RRULE (RFC 5545), such as FREQ=WEEKLY;BYDAY=MO,FR.")
            })?;
            if seen.contains(&name) {
                return Err(invalid("A part of the rule is there twice."));
            }
            seen.push(name);
            if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b",+-".contains(&byte)) {
                return Err(invalid("A value has characters that no part of a rule has."));
            }
            match name {
                "COUNT" => count = Some(positive(value)?),
                "UNTIL" => until = Some(Until::parse(value)?),
                "DTSTART" => {
                    return Err(invalid("The series begins at the due time: leave DTSTART out."));
                }
                name if GRID_PARTS.contains(&name) => {
                    if name == "INTERVAL" {
                        positive(value)?;
                    }
                    let counted = ["BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYDAY"];
                    if counted.contains(&name) && value.split(',').any(counts_zero) {
                        return Err(invalid("Days, weeks and places are counted from 1, or from -1."));
                    }
                    if ["BYHOUR", "BYMINUTE", "BYSECOND"].contains(&name) {
                        times_a_day *= value.split(',').count();
                    }
                    grid.push(part);
                }
                _ => return Err(invalid("There is a part that RFC 5545 does not know.")),
            }
        }
        if count.is_some() && until.is_some() {
            return Err(invalid("Give either COUNT or UNTIL (RFC 5545, section 3.3.10)."));
        }
        if seen.contains(&"BYSETPOS")
            && !seen.iter().any(|name| name.starts_with("BY") && *name != "BYSETPOS")
        {
            return Err(invalid("BYSETPOS needs another BY part to choose from."));
        }
        let months = grid.contains(&"FREQ=MONTHLY") || grid.contains(&"FREQ=YEARLY");
        let days = grid.iter().find_map(|part| part.strip_prefix("BYDAY="));
        if !days.is_none_or(|days| days.split(',').all(|day| is_day(day, months))) {
            return Err(invalid(
                "BYDAY must be days such as MO; with MONTHLY or YEARLY also 1MO or -1MO.",
            ));
        }
        let dense = grid.contains(&"FREQ=MINUTELY") || grid.contains(&"FREQ=SECONDLY");
        if dense && seen.iter().any(|name| name.starts_with("BY")) {
            return Err(invalid(
                "Within an hour there are no BY parts: use a longer FREQ with BYMINUTE.",
            ));
        }
        if times_a_day > MAX_TIMES_A_DAY {
            return Err(invalid(format!("It may name {MAX_TIMES_A_DAY} times on a day.")));
        }
        let within_a_day =
            ["FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY"].iter().any(|freq| grid.contains(freq));
        Ok(Self { grid: grid.join(";"), count, until, within_a_day, text: text.clone() })
    }

    /// The engine's view of the grid. It knows no zones: wall times are given to it, and come back, as if
    /// they were UTC, because its own resolution to zones is not to be relied on.
    fn expansion(&self, from: civil::DateTime) -> Result<RRuleSet, rrule::RRuleError> {
        let start = from.strftime("%Y%m%dT%H%M%SZ");
        RRuleSet::from_str(&format!("DTSTART:{start}\nRRULE:{}", self.grid))
    }

    /// Whether it can come more than 24 times on a day.
    pub fn is_dense(&self) -> bool {
        let count = |part: &str| {
            let list = self.grid.split(';').find_map(|found| found.strip_prefix(part));
            list.map(|list| list.split(',').count())
        };
        let hours = count("BYHOUR=").unwrap_or(if self.grid.contains("FREQ=HOURLY") { 24 } else { 1 });
        let a_day = hours * count("BYMINUTE=").unwrap_or(1) * count("BYSECOND=").unwrap_or(1);
        self.grid.contains("FREQ=MINUTELY") || self.grid.contains("FREQ=SECONDLY") || a_day > 24
    }

    fn names_times(&self) -> bool {
        self.within_a_day
            || ["BYHOUR", "BYMINUTE", "BYSECOND"].iter().any(|part| self.grid.contains(part))
    }

    /// Where the engine has to begin so that it finds what follows a place. Any place of the grid will do; only
    /// a BYSETPOS in a week counts from the beginning of that week.
    fn beginning(&self, slot: civil::DateTime) -> civil::DateTime {
        let has = |part: &str| self.grid.split(';').any(|found| found.starts_with(part));
        if !(has("FREQ=WEEKLY") && has("BYSETPOS=") && has("BYDAY=")) {
            return slot;
        }
        let first_day = match self.grid.split(';').find_map(|part| part.strip_prefix("WKST=")) {
            Some("TU") => civil::Weekday::Tuesday,
            Some("WE") => civil::Weekday::Wednesday,
            Some("TH") => civil::Weekday::Thursday,
            Some("FR") => civil::Weekday::Friday,
            Some("SA") => civil::Weekday::Saturday,
            Some("SU") => civil::Weekday::Sunday,
            _ => civil::Weekday::Monday,
        };
        let into_the_week = slot.date().weekday().since(first_day);
        slot.checked_sub(Span::new().days(into_the_week)).unwrap_or(slot)
    }

    /// The first places of the grid behind a place.
    fn places_after(&self, slot: civil::DateTime, limit: u8) -> impl Iterator<Item = civil::DateTime> {
        // From the beginning to the place itself: a week of the densest rule at most.
        let spare = if self.beginning(slot) == slot { 1 } else { 7 * MAX_TIMES_A_DAY as u16 };
        let expansion = self.expansion(self.beginning(slot));
        let places = expansion.map(|set| set.all(u16::from(limit) + spare).dates);
        let places = places.unwrap_or_default().into_iter();
        places
            .filter_map(|place| Timestamp::from_second(place.timestamp()).ok())
            .map(|place| place.to_zoned(TimeZone::UTC).datetime())
            .filter(move |place| *place > slot)
            .take(limit.into())
    }
}

impl Until {
    fn parse(value: &str) -> Result<Self, Violation> {
        let local = |text: &str| civil::DateTime::strptime("%Y%m%dT%H%M%S", text);
        let until = match value.strip_suffix('Z') {
            Some(text) => local(text)
                .and_then(|utc| utc.to_zoned(TimeZone::UTC))
                .map(|utc| Self::Instant(utc.timestamp())),
            None if value.contains('T') => local(value).map(Self::Local),
            None => civil::Date::strptime("%Y%m%d", value).map(Self::Date),
        };
        until.map_err(|_| invalid("UNTIL must be like 20261231, 20261231T090000 or 20261231T080000Z."))
    }

    fn admits(self, slot: &Due, zone: &Zone) -> bool {
        match self {
            Self::Date(last) => slot.place().date() <= last,
            Self::Local(last) => slot.place() <= last,
            Self::Instant(last) => slot.at(zone) <= last,
        }
    }
}

/// Whether it is a day of the week, with a number before it only if that is allowed.
fn is_day(text: &str, numbered: bool) -> bool {
    let Some((number, day)) = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let counted = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&day)
        && (number.is_empty() || numbered && counted)
}

/// Whether an element such as `-2MO` or `15` counts from 0.
fn counts_zero(element: &str) -> bool {
    let number =
        element.trim_start_matches(['+', '-']).trim_end_matches(|c: char| c.is_ascii_alphabetic());
    number.parse() == Ok(0)
}

fn positive(value: &str) -> Result<u32, Violation> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit()).then_some(value);
    let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| invalid("COUNT and INTERVAL must be whole numbers from 1."))
}

fn invalid(why: impl Into<String>) -> Violation {
    Violation::new("invalid_recurrence", why)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

word_enum!(RecurrenceFrom, "What the next occurrence is counted from.",
    Due = "due": "The place of this one, however late it is completed.",
    Completion = "completion": "The moment of its completion, at the same time of day.",
);

/// Where an occurrence stands in its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The rule.
    pub rule: Rule,
    /// What the next occurrence is counted from.
    pub from: RecurrenceFrom,
    /// The place of this occurrence: its due time, before anybody rescheduled it.
    pub slot: Due,
    /// Which occurrence this is; the first is 1.
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
        if rule.places_after(slot.place(), 1).find_map(|place| slot.moved_to(place)).is_none() {
            let why = "The rule gives no occurrence after the due time.";
            return Err(Violation::new("no_occurrence", why));
        }
        Ok(Self { rule, from, slot, number: 1 })
    }

    /// The first occurrences that follow, each as if the one before it were completed at its due time.
    pub fn following<'a>(&'a self, zone: &'a Zone, limit: u8) -> impl Iterator<Item = Self> + 'a {
        self.behind(self.slot.place(), zone, limit)
    }

    /// The next occurrence, when this one is completed at a moment; none when the series ends.
    pub fn next(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        match self.from {
            RecurrenceFrom::Due => self.following(zone, 1).next(),
            RecurrenceFrom::Completion => {
                self.behind(self.completed_at_place(zone, now), zone, 1).next()
            }
        }
    }

    /// The next occurrence, when this one is passed over at a moment; it is behind this one in any case.
    pub fn after_skipping(&self, zone: &Zone, now: Timestamp) -> Option<Self> {
        let place = self.slot.place();
        let from = match self.from {
            RecurrenceFrom::Due => place,
            RecurrenceFrom::Completion => place.max(self.completed_at_place(zone, now)),
        };
        self.behind(from, zone, 1).next()
    }

    /// The place from which a series counts that counts from its completion.
    fn completed_at_place(&self, zone: &Zone, now: Timestamp) -> civil::DateTime {
        let wall = now.to_zoned(self.slot.clock(zone).rules().clone()).datetime();
        let same_time = wall.date().to_datetime(self.slot.place().time());
        if self.rule.within_a_day { wall } else { same_time }
    }

    fn behind<'a>(
        &'a self,
        place: civil::DateTime,
        zone: &'a Zone,
        limit: u8,
    ) -> impl Iterator<Item = Self> + 'a {
        let last = self.rule.count.unwrap_or(u32::MAX);
        let numbers = self.number.saturating_add(1)..=last;
        let slots = self.rule.places_after(place, limit).map_while(|place| self.slot.moved_to(place));
        numbers
            .zip(slots)
            .take_while(|(_, slot)| self.rule.until.is_none_or(|until| until.admits(slot, zone)))
            .map(|(number, slot)| Self { slot, number, ..self.clone() })
    }
}

/// How long after the last change a task completes itself.
///
/// Months and years are those of the calendar, counted in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoComplete(SpanFieldwise);

impl AutoComplete {
    /// From a second to a year.
    const RANGE: RangeInclusive<i64> = 1..=366 * 86_400;

    /// Reads an ISO 8601 duration (`PT2M`, `P1D`).
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
        // Counted from the first day of a leap year, the longest year has 366 days.
        let start = Timestamp::constant(1_704_067_200, 0);
        let length = period.after(start).map(|end| end.as_second() - start.as_second());
        if !length.is_some_and(|seconds| Self::RANGE.contains(&seconds)) {
            return Err(Violation::new("out_of_range", "It must be between 1 second and 1 year."));
        }
        Ok(period)
    }

    /// The moment that long after another; none beyond the end of the calendar.
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
