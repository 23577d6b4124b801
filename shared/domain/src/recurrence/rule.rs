//! Parsing of recurrence rules.

use std::{fmt, ops::RangeInclusive};

use super::{
    until::{UNTIL_FORMS, Until},
    weekday_number,
};
use crate::violation::Violation;

/// The maximum length of a rule, in bytes.
const MAX_RULE: usize = 500;

/// A recurrence rule: the value of an RRULE property, without DTSTART.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    text: String,
    pub(super) parts: Parts,
    pub(super) count: Option<u32>,
    pub(super) until: Option<Until>,
}

/// The frequency of a rule, in ascending order of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// An ordinal within the month or year (0 means every one), and a day of the week (0 is Monday).
pub(super) type WeekdayNum = (i16, i8);

/// The parts of a rule without COUNT and UNTIL. A list that is not given is empty. All lists are sorted, without
/// duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) freq: Frequency,
    pub(super) interval: u32,
    pub(super) by_second: Vec<i8>,
    pub(super) by_minute: Vec<i8>,
    pub(super) by_hour: Vec<i8>,
    pub(super) by_day: Vec<WeekdayNum>,
    pub(super) by_month_day: Vec<i16>,
    pub(super) by_year_day: Vec<i16>,
    pub(super) by_week_no: Vec<i16>,
    pub(super) by_month: Vec<i8>,
    pub(super) by_set_pos: Vec<i16>,
    pub(super) week_start: i8,
}

impl Rule {
    /// Reads a rule such as `FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10` (RFC 5545 §3.3.10), ignoring case. A leading `RRULE:` and a
    /// trailing `;` are dropped.
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_recurrence`, whose message names the part.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let rule = Self::parse_trusted(text)?;
        check_values(&rule.text)?;
        rule.parts.check()?;
        Ok(rule)
    }

    /// Reads a stored rule. It may have combinations of parts and forms of values that only earlier versions accepted.
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_recurrence` for an unknown part or value.
    pub fn parse_trusted(text: &str) -> Result<Self, Violation> {
        let text = text.to_ascii_uppercase();
        if text.len() > MAX_RULE {
            return Err(invalid(format!("A rule must not exceed {MAX_RULE} characters.")));
        }
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let text = text.strip_suffix(';').unwrap_or(text);
        let mut parts = Parts::default();
        let (mut seen, mut count, mut until) = (Vec::new(), None, None);
        for part in text.split(';') {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                invalid("Give the value of an RRULE (RFC 5545), such as FREQ=WEEKLY;BYDAY=MO,FR.")
            })?;
            if seen.contains(&name) {
                return Err(invalid(format!("Give {} only once.", known(name)?)));
            }
            seen.push(name);
            match name {
                "COUNT" => count = Some(positive("COUNT", value)?),
                "UNTIL" => until = Until::parse(value)?,
                _ => parts.set(name, value)?,
            }
        }
        if !seen.contains(&"FREQ") {
            return Err(invalid("FREQ is required."));
        }
        if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
            return Err(invalid("Give either COUNT or UNTIL, not both."));
        }
        Ok(Self { text: text.to_owned(), parts, count, until })
    }

    /// The maximum number of occurrences per day.
    pub fn max_per_day(&self) -> u32 {
        self.parts.max_per_day()
    }

    /// Whether the rule has times of day.
    pub(crate) fn names_times(&self) -> bool {
        let Parts { by_hour, by_minute, by_second, .. } = &self.parts;
        self.is_sub_daily() || [by_hour, by_minute, by_second].iter().any(|list| !list.is_empty())
    }

    /// Whether the frequency is below a day.
    pub(super) fn is_sub_daily(&self) -> bool {
        self.parts.freq < Frequency::Daily
    }

    /// Whether periods count elapsed time instead of wall time. A rule with BYHOUR always counts wall time.
    pub(super) fn is_elapsed(&self) -> bool {
        self.is_sub_daily() && self.parts.by_hour.is_empty()
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            freq: Frequency::Daily,
            interval: 1,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: 0,
        }
    }
}

impl Parts {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Violation> {
        match name {
            "FREQ" => self.freq = frequency(value)?,
            "INTERVAL" => self.interval = positive("INTERVAL", value)?,
            // 60 is a leap second: it is accepted, and never occurs.
            "BYSECOND" => self.by_second = numbers("BYSECOND", value, 0..=60)?,
            "BYMINUTE" => self.by_minute = numbers("BYMINUTE", value, 0..=59)?,
            "BYHOUR" => self.by_hour = numbers("BYHOUR", value, 0..=23)?,
            "BYDAY" => self.by_day = list(value, weekday_num)?,
            "BYMONTHDAY" => self.by_month_day = ordinals("BYMONTHDAY", value, 31)?,
            "BYYEARDAY" => self.by_year_day = ordinals("BYYEARDAY", value, 366)?,
            "BYWEEKNO" => self.by_week_no = ordinals("BYWEEKNO", value, 53)?,
            "BYMONTH" => self.by_month = numbers("BYMONTH", value, 1..=12)?,
            "BYSETPOS" => self.by_set_pos = ordinals("BYSETPOS", value, 366)?,
            "WKST" => {
                let day = weekday_number(value);
                self.week_start =
                    day.ok_or_else(|| invalid("WKST must be a day of the week such as MO."))?;
            }
            "DTSTART" => {
                return Err(invalid("The series starts at the due time: leave DTSTART out."));
            }
            _ => return Err(invalid(UNKNOWN_PART)),
        }
        Ok(())
    }

    /// Refuses combinations that RFC 5545 §3.3.10 forbids.
    fn check(&self) -> Result<(), Violation> {
        use Frequency::{Daily, Monthly, Weekly, Yearly};
        let numbered = self.by_day.iter().any(|(ordinal, _)| *ordinal != 0);
        if numbered && !matches!(self.freq, Monthly | Yearly) {
            return Err(invalid("A number in BYDAY, such as 1MO, needs FREQ=MONTHLY or FREQ=YEARLY."));
        }
        if numbered && !self.by_week_no.is_empty() {
            return Err(invalid("With BYWEEKNO, BYDAY must not have numbers."));
        }
        if !self.by_week_no.is_empty() && self.freq != Yearly {
            return Err(invalid("BYWEEKNO needs FREQ=YEARLY."));
        }
        if !self.by_month_day.is_empty() && self.freq == Weekly {
            return Err(invalid("BYMONTHDAY is not allowed with FREQ=WEEKLY."));
        }
        if !self.by_year_day.is_empty() && matches!(self.freq, Daily | Weekly | Monthly) {
            return Err(invalid("BYYEARDAY is not allowed with FREQ=DAILY, WEEKLY or MONTHLY."));
        }
        if !self.by_set_pos.is_empty() && !self.has_by_part() {
            return Err(invalid("BYSETPOS needs another BY part to choose from."));
        }
        Ok(())
    }

    fn has_by_part(&self) -> bool {
        let time_parts = [&self.by_second, &self.by_minute, &self.by_hour, &self.by_month];
        let date_parts = [&self.by_month_day, &self.by_year_day, &self.by_week_no];
        !self.by_day.is_empty()
            || time_parts.iter().any(|list| !list.is_empty())
            || date_parts.iter().any(|list| !list.is_empty())
    }

    fn max_per_day(&self) -> u32 {
        let chosen = |list: &[i8], all: u32| if list.is_empty() { all } else { list.len() as u32 };
        let positions =
            if self.by_set_pos.is_empty() { u32::MAX } else { self.by_set_pos.len() as u32 };
        // The number of periods per day, and of times of day per period.
        let (periods, times) = match self.freq {
            Frequency::Secondly => {
                let (hours, minutes) = (chosen(&self.by_hour, 24), chosen(&self.by_minute, 60));
                let seconds = hours * minutes * chosen(&self.by_second, 60);
                (86_400_u32.div_ceil(self.interval).min(seconds), 1)
            }
            Frequency::Minutely => {
                let minutes = chosen(&self.by_hour, 24) * chosen(&self.by_minute, 60);
                (1_440_u32.div_ceil(self.interval).min(minutes), chosen(&self.by_second, 1))
            }
            Frequency::Hourly => {
                let hours = 24_u32.div_ceil(self.interval).min(chosen(&self.by_hour, 24));
                (hours, chosen(&self.by_minute, 1) * chosen(&self.by_second, 1))
            }
            _ => {
                let minutes = chosen(&self.by_hour, 1) * chosen(&self.by_minute, 1);
                (1, minutes * chosen(&self.by_second, 1))
            }
        };
        periods * times.min(positions)
    }
}

/// Refuses forms of values that RFC 5545 does not allow: an empty value, a plus before an unsigned number, a date with fewer
/// digits.
fn check_values(text: &str) -> Result<(), Violation> {
    for (name, value) in text.split(';').filter_map(|part| part.split_once('=')) {
        let unsigned = ["BYSECOND", "BYMINUTE", "BYHOUR", "BYMONTH"].contains(&name);
        if value.is_empty() || unsigned && value.contains('+') {
            return Err(invalid(format!("Invalid value of {name}.")));
        }
        let until = value.strip_suffix('Z').unwrap_or(value);
        if name == "UNTIL" && ![8, 15].contains(&until.len()) {
            return Err(invalid(UNTIL_FORMS));
        }
    }
    Ok(())
}

const UNKNOWN_PART: &str =
    "Unknown RRULE part: give parts of RFC 5545, such as FREQ, INTERVAL, BYDAY, COUNT or UNTIL.";

/// The name if it is that of a part. Messages never contain unchecked input.
fn known(name: &str) -> Result<&str, Violation> {
    let counts = ["COUNT", "UNTIL"].contains(&name);
    // Unknown names are refused before values are checked.
    let unknown = Parts::default().set(name, "").is_err_and(|refused| refused.message == UNKNOWN_PART);
    if counts || !unknown { Ok(name) } else { Err(invalid(UNKNOWN_PART)) }
}

fn frequency(value: &str) -> Result<Frequency, Violation> {
    Ok(match value {
        "SECONDLY" => Frequency::Secondly,
        "MINUTELY" => Frequency::Minutely,
        "HOURLY" => Frequency::Hourly,
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => {
            let why = "FREQ must be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY.";
            return Err(invalid(why));
        }
    })
}

/// A comma-separated list, sorted and without duplicates.
fn list<T: Ord>(value: &str, read: impl Fn(&str) -> Result<T, Violation>) -> Result<Vec<T>, Violation> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let mut elements = value.split(',').map(read).collect::<Result<Vec<_>, _>>()?;
    elements.sort_unstable();
    elements.dedup();
    Ok(elements)
}

fn numbers(name: &str, value: &str, range: RangeInclusive<i8>) -> Result<Vec<i8>, Violation> {
    list(value, |text| {
        let number = digits(text.strip_prefix('+').unwrap_or(text));
        let number = number.and_then(|digits| digits.parse().ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            invalid(format!("{name} must be numbers from {} to {}.", range.start(), range.end()))
        })
    })
}

/// Numbers from 1 to `max`, or from -1 to -`max` to count from the end.
fn ordinals(name: &str, value: &str, max: i16) -> Result<Vec<i16>, Violation> {
    list(value, |text| {
        ordinal(text, max).ok_or_else(|| {
            invalid(format!("{name} must be numbers from 1 to {max} or from -1 to -{max}."))
        })
    })
}

fn ordinal(text: &str, max: i16) -> Option<i16> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number: i16 = digits(text)?.parse().ok()?;
    (1..=max).contains(&number).then_some(sign * number)
}

fn weekday_num(text: &str) -> Result<WeekdayNum, Violation> {
    let split = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at));
    let parsed = split.and_then(|(number, day)| {
        let number = if number.is_empty() { 0 } else { ordinal(number, 53)? };
        Some((number, weekday_number(day)?))
    });
    parsed.ok_or_else(|| {
        invalid(
            "BYDAY must be days such as MO, with a number up to 53 before them such as 1MO or -1MO.",
        )
    })
}

fn positive(name: &str, value: &str) -> Result<u32, Violation> {
    let number = digits(value).and_then(|digits| digits.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| invalid(format!("{name} must be a whole number from 1 to {}.", u32::MAX)))
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

pub(super) fn invalid(why: impl Into<String>) -> Violation {
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
