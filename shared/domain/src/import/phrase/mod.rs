//! The English phrases that Todoist has for due dates: `every 2 weeks`, `every! mon, fri at 9am`, `5 Oct 2026 18:00`.
//!
//! The phrases are those of Todoist's help ("Introduction to recurring dates"), as far as they correspond to a rule. Phrases
//! that depend on the day on which they were written, such as `tomorrow`, are not read.

#[cfg(test)]
mod tests;

use jiff::civil::{Date, Time};

use crate::recurrence::{RecurrenceFrom, Rule};

/// The maximum length of a phrase, in bytes.
const MAX_PHRASE: usize = 200;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [(&str, &str); 7] = [
    ("monday", "MO"),
    ("tuesday", "TU"),
    ("wednesday", "WE"),
    ("thursday", "TH"),
    ("friday", "FR"),
    ("saturday", "SA"),
    ("sunday", "SU"),
];

/// What a phrase says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// The rule of the series.
    pub(super) rule: Option<String>,
    /// `every!` counts from the completion.
    pub(super) from: RecurrenceFrom,
    /// The day, or the day on which the series starts.
    pub(super) date: Option<Date>,
    /// The time of day.
    pub(super) time: Option<Time>,
}

/// Reads a phrase. `None` if any part of it is not understood.
pub(super) fn parse(phrase: &str) -> Option<Phrase> {
    if phrase.len() > MAX_PHRASE {
        return None;
    }
    let lower = phrase.to_lowercase();
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | '&' | '@');
    let words = lower.split(separators).filter(|word| !["", "and", "the"].contains(word));
    let words: Vec<_> = words.collect();
    let mut words = Words(&words);
    let (mut rule, mut from) = (None, RecurrenceFrom::Due);
    let mut date = None;
    match words.first() {
        "every" | "ev" => words.skip(1),
        "every!" | "ev!" => {
            from = RecurrenceFrom::Completion;
            words.skip(1);
        }
        "daily" | "weekly" | "monthly" | "yearly" | "annually" => {}
        _ => date = Some(words.date()?),
    }
    if date.is_none() {
        rule = Some(words.period()?);
    }
    let mut time = None;
    while !words.0.is_empty() {
        match words.first() {
            "starting" | "from" if date.is_none() => {
                words.skip(1);
                date = Some(words.date()?);
            }
            "until" | "ending" => {
                words.skip(1);
                let last = words.date()?.strftime("%Y%m%d").to_string();
                rule = rule.map(|rule| format!("{rule};UNTIL={last}"));
            }
            "at" if time.is_none() => {
                words.skip(1);
                time = Some(words.time(true)?);
            }
            _ if time.is_none() => time = Some(words.time(false)?),
            _ => return None,
        }
    }
    let rule = rule.map(|rule| Rule::parse(&rule).map(|rule| rule.to_string())).transpose().ok()?;
    Some(Phrase { rule, from, date, time })
}

/// The words that were not read yet.
struct Words<'a>(&'a [&'a str]);

impl Words<'_> {
    /// The first word. Empty at the end.
    fn first(&self) -> &str {
        self.nth(0)
    }

    fn nth(&self, index: usize) -> &str {
        self.0.get(index).copied().unwrap_or_default()
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    /// A day with its year.
    fn date(&mut self) -> Option<Date> {
        if let Ok(date) = Date::strptime("%Y-%m-%d", self.first()) {
            self.skip(1);
            return Some(date);
        }
        let (day, month) = match (month(self.first()), month(self.nth(1))) {
            (Some(month), _) => (number(self.nth(1), 31)?, month),
            (None, Some(month)) => (number(self.first(), 31)?, month),
            (None, None) => return None,
        };
        let year = self.nth(2);
        let year = (year.len() == 4).then(|| year.parse().ok())??;
        self.skip(3);
        Date::new(year, month, day).ok()
    }

    /// A time of day: `9am`, `9:30 pm`, `18:00`. A bare hour only if it is `expected`.
    fn time(&mut self, expected: bool) -> Option<Time> {
        let word = self.first();
        let (digits, mut half, mut count) = match word.strip_suffix("am") {
            Some(digits) => (digits, Some(0), 1),
            None => match word.strip_suffix("pm") {
                Some(digits) => (digits, Some(12), 1),
                None => (word, None, 1),
            },
        };
        if half.is_none() {
            half = match self.nth(1) {
                "am" => Some(0),
                "pm" => Some(12),
                _ => None,
            };
            count += usize::from(half.is_some());
        }
        let (hour, minute) = match digits.split_once(':') {
            Some((hour, minute)) if minute.len() == 2 => (hour, digits_only(minute)?),
            Some(_) => return None,
            None if half.is_some() || expected => (digits, 0),
            None => return None,
        };
        let hour = digits_only(hour)?;
        let hour = match half {
            Some(half) => (1..=12).contains(&hour).then(|| hour % 12 + half)?,
            None => hour,
        };
        self.skip(count);
        Time::new(hour, minute, 0, 0).ok()
    }

    /// What follows `every`.
    fn period(&mut self) -> Option<String> {
        let single = match self.first() {
            "daily" => Some("FREQ=DAILY"),
            "weekly" => Some("FREQ=WEEKLY"),
            "monthly" => Some("FREQ=MONTHLY"),
            "yearly" | "annually" => Some("FREQ=YEARLY"),
            "weekday" | "workday" => Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            _ => None,
        };
        if let Some(rule) = single {
            self.skip(1);
            return Some(rule.to_owned());
        }
        let mut interval = 1_i16;
        if self.first() == "other" {
            interval = 2;
            self.skip(1);
        } else if let (Some(count), Some(_)) = (number(self.first(), i16::MAX), unit(self.nth(1))) {
            interval = count;
            self.skip(1);
        }
        if let Some((frequency, factor)) = unit(self.first()) {
            self.skip(1);
            let rule = with_interval(frequency, interval.checked_mul(factor)?);
            if self.first() != "on" {
                return Some(rule);
            }
            self.skip(1);
            return match frequency {
                "WEEKLY" => Some(format!("{rule};BYDAY={}", self.days()?)),
                "MONTHLY" => Some(format!("{rule};{}", self.month_days()?)),
                _ => None,
            };
        }
        if let Some(days) = self.days() {
            return Some(format!("{};BYDAY={days}", with_interval("WEEKLY", interval)));
        }
        if interval != 1 {
            return None;
        }
        if let Some(month) = month(self.first()) {
            let day = number::<i8>(self.nth(1), 31)?;
            self.skip(2);
            return Some(format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}"));
        }
        if let (Some(day), Some(month)) = (number::<i8>(self.first(), 31), month(self.nth(1))) {
            self.skip(2);
            return Some(format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}"));
        }
        Some(format!("FREQ=MONTHLY;{}", self.month_days()?))
    }

    /// Days of the week, as the value of BYDAY.
    fn days(&mut self) -> Option<String> {
        let mut days = Vec::new();
        while let Some(day) = weekday(self.first()) {
            days.push(day);
            self.skip(1);
        }
        (!days.is_empty()).then(|| days.join(","))
    }

    /// Days of the month: `15th`, `1 15`, `last day`, `3rd friday`.
    fn month_days(&mut self) -> Option<String> {
        if self.first() == "last" && self.nth(1) == "day" {
            self.skip(2);
            return Some("BYMONTHDAY=-1".to_owned());
        }
        let position = if self.first() == "last" { Some(-1_i8) } else { number(self.first(), 5) };
        if let (Some(position), Some(day)) = (position, weekday(self.nth(1))) {
            self.skip(2);
            return Some(format!("BYDAY={position}{day}"));
        }
        let mut days = Vec::new();
        while let Some(day) = number::<i8>(self.first(), 31) {
            days.push(day.to_string());
            self.skip(1);
        }
        (!days.is_empty()).then(|| format!("BYMONTHDAY={}", days.join(",")))
    }
}

fn with_interval(frequency: &str, interval: i16) -> String {
    match interval {
        1 => format!("FREQ={frequency}"),
        _ => format!("FREQ={frequency};INTERVAL={interval}"),
    }
}

/// The frequency of a unit, and how many of its periods the unit is.
fn unit(word: &str) -> Option<(&'static str, i16)> {
    Some(match word {
        "hour" | "hours" => ("HOURLY", 1),
        "day" | "days" => ("DAILY", 1),
        "week" | "weeks" => ("WEEKLY", 1),
        "month" | "months" => ("MONTHLY", 1),
        "quarter" | "quarters" => ("MONTHLY", 3),
        "year" | "years" => ("YEARLY", 1),
        _ => return None,
    })
}

/// A number from 1 to `max`, or an ordinal such as `15th`.
fn number<T: TryFrom<i16>>(word: &str, max: i16) -> Option<T> {
    let plain = ["st", "nd", "rd", "th"].iter().find_map(|suffix| word.strip_suffix(suffix));
    let value: i16 = plain.unwrap_or(word).parse().ok().filter(|value| (1..=max).contains(value))?;
    T::try_from(value).ok()
}

fn digits_only(text: &str) -> Option<i8> {
    let valid = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

fn month(word: &str) -> Option<i8> {
    let abbreviates = |month: &&str| *month == word || month.get(..3) == Some(word);
    let index = MONTHS
        .iter()
        .position(|month| abbreviates(month) || word == "sept" && *month == "september")?;
    i8::try_from(index + 1).ok()
}

fn weekday(word: &str) -> Option<&'static str> {
    let short = ["mon", "tue", "tues", "wed", "weds", "thu", "thur", "thurs", "fri", "sat", "sun"];
    let plain = word.strip_suffix('s').filter(|plain| plain.ends_with("day")).unwrap_or(word);
    let is = |day: &str| {
        day == plain || short.contains(&plain) && day.starts_with(plain.get(..3).unwrap_or(plain))
    };
    DAYS.iter().find(|(day, _)| is(day)).map(|(_, code)| *code)
}
