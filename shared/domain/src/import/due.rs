//! Due times and reminders of imported tasks.

use std::fmt;

use jiff::{
    Timestamp, ToSpan,
    civil::{self, Date, DateTime},
};

use super::windows_zones;
use crate::{
    due::{Due, Fold, YEARS},
    recurrence::{RecurrenceFrom, Rule, Series},
    reminder::{LeadTime, ReminderSpec},
    timestamp::DateTimeParts,
    violation::Violation,
    zone::Zone,
};

/// A due time as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedDue {
    /// A day in the user's time zone.
    Date(Date),
    /// A wall time in a time zone. Without one, in the user's time zone.
    Wall(DateTime, Option<Zone>),
    /// An instant.
    Instant(Timestamp),
    /// The day in the user's time zone that this instant belongs to. Some files have days as the instant of their start.
    DayOf(Timestamp),
    /// The first occurrence of the task's rule from the import on, at this time of day in this time zone. Without a time, a
    /// day. Without a time zone, in the user's. Files that only have the rule.
    FirstOccurrence(Option<civil::Time>, Option<Zone>),
}

impl ImportedDue {
    /// The due time of a task that a user with this time zone imports `now`. `rule` is that of the task.
    ///
    /// `None` if it is outside the accepted years, or if the rule has no occurrence from now on.
    pub fn resolve(&self, rule: Option<&Rule>, now: Timestamp, user_zone: &Zone) -> Option<Due> {
        let wall = |local, zone: &Option<Zone>| {
            Due::Wall(local, zone.as_ref().unwrap_or(user_zone).clone(), Fold::Earlier)
        };
        let due = match self {
            Self::Date(date) => Due::Date(*date),
            Self::Wall(local, zone) => wall(*local, zone),
            Self::Instant(instant) => Due::Instant(*instant),
            Self::DayOf(instant) => Due::Date(date_in(*instant, user_zone)),
            Self::FirstOccurrence(time, zone) => {
                let first = first_occurrence(rule?, *time, zone.as_ref().unwrap_or(user_zone), now)?;
                first.map_or_else(Due::Date, |local| wall(local, zone))
            }
        };
        YEARS.contains(&due.wall_time(user_zone).year()).then_some(due)
    }
}

/// A day, or a time of day.
type Occurrence = Result<DateTime, Date>;

/// The first occurrence of a rule that is not over.
fn first_occurrence(
    rule: &Rule,
    time: Option<civil::Time>,
    zone: &Zone,
    now: Timestamp,
) -> Option<Occurrence> {
    let local = now.to_zoned(zone.rules().clone()).datetime();
    if time.is_none() && rule.names_times() {
        let next_hour = local.checked_add(1.hour()).ok()?;
        return Some(Ok(next_hour.with().minute(0).second(0).subsec_nanosecond(0).build().ok()?));
    }
    // An interval and a count start with the occurrence that is looked for, so they do not decide which one it is.
    let text = rule.to_string();
    let counts = |part: &&str| part.starts_with("INTERVAL=") || part.starts_with("COUNT=");
    let parts: Vec<_> = text.split(';').filter(|part| !counts(part)).collect();
    let every_period = !parts.iter().any(|part| part.starts_with("BY"));
    let plain = Rule::parse_trusted(&parts.join(";")).ok()?;
    let at = |date: Date| match time {
        Some(time) => Due::Wall(date.to_datetime(time), zone.clone(), Fold::Earlier),
        None => Due::Date(date),
    };
    let days = [local.date().yesterday().ok()?, local.date()];
    let found = days.into_iter().find_map(|day| {
        let first = match every_period {
            true => at(day.tomorrow().ok()?),
            false => {
                let series =
                    Series::starting(plain.clone(), RecurrenceFrom::Due, at(day), zone).ok()?;
                series.upcoming(zone, 1).next()?.occurrence_time
            }
        };
        (first.at(zone) >= now).then_some(first)
    })?;
    let series = Series::starting(rule.clone(), RecurrenceFrom::Due, found.clone(), zone);
    if series.is_err_and(|violation| violation.code == "ends_before_due") {
        return None;
    }
    Some(match found {
        Due::Date(date) => Err(date),
        other => Ok(other.wall_time(zone)),
    })
}

/// For the description of a task whose due time has no other place.
impl fmt::Display for ImportedDue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Wall(local, None) => write!(f, "{local}"),
            Self::Wall(local, Some(zone)) => write!(f, "{local}[{zone}]"),
            Self::Instant(instant) | Self::DayOf(instant) => write!(f, "{instant}"),
            Self::FirstOccurrence(Some(time), _) => write!(f, "at {time}"),
            Self::FirstOccurrence(None, _) => f.write_str("when it recurs"),
        }
    }
}

/// A reminder as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedReminder {
    /// A time before the due time. That of an all-day task counts from 09:00.
    Before(LeadTime),
    /// A fixed time. Never a day.
    At(ImportedDue),
}

impl ImportedReminder {
    /// The reminder of a task that a user with this time zone imports `now`. `None` outside the accepted years.
    pub fn resolve(&self, now: Timestamp, user_zone: &Zone) -> Option<ReminderSpec> {
        match self {
            Self::Before(lead_time) => Some(ReminderSpec::Before(*lead_time)),
            Self::At(time) => match time.resolve(None, now, user_zone)? {
                Due::Date(_) => None,
                time => Some(ReminderSpec::At(time)),
            },
        }
    }
}

/// Reads a time. `zone` is the time zone that the file has beside it: a wall time is in it, and an instant becomes a wall time
/// in it, so that a series keeps its time of day.
///
/// # Errors
/// A [`Violation`]: `invalid_time` or `out_of_range`.
pub(super) fn parse(text: &str, zone: Option<Zone>) -> Result<ImportedDue, Violation> {
    let DateTimeParts { date, time, offset, .. } = parts(text)?;
    let due = match (time, offset, zone) {
        (None, ..) => ImportedDue::Date(date),
        (Some(time), None, zone) => ImportedDue::Wall(date.to_datetime(time), zone),
        (Some(_), Some(_), None) => ImportedDue::Instant(instant(text)?),
        (Some(_), Some(_), Some(zone)) => {
            let local = instant(text)?.to_zoned(zone.rules().clone()).datetime();
            ImportedDue::Wall(local, Some(zone))
        }
    };
    check_year(date).map(|()| due)
}

/// A day, or a wall time in a time zone.
///
/// # Errors
/// A [`Violation`] `out_of_range`.
pub(super) fn at(
    date: Date,
    time: Option<civil::Time>,
    zone: Option<Zone>,
) -> Result<ImportedDue, Violation> {
    check_year(date)?;
    Ok(match time {
        Some(time) => ImportedDue::Wall(date.to_datetime(time), zone),
        None => ImportedDue::Date(date),
    })
}

/// Reads an instant. One without an offset is in UTC.
///
/// # Errors
/// A [`Violation`]: `invalid_time` or `out_of_range`.
pub(super) fn instant(text: &str) -> Result<Timestamp, Violation> {
    let DateTimeParts { date, time, offset, .. } = parts(text)?;
    check_year(date)?;
    let local = date.to_datetime(time.unwrap_or_default());
    offset.unwrap_or(jiff::tz::Offset::UTC).to_timestamp(local).map_err(|_| out_of_range())
}

/// The time zone of a name: that of IANA or of Windows. `None` for an empty name.
///
/// # Errors
/// A [`Violation`] `unknown_time_zone`.
pub(super) fn zone(name: &str) -> Result<Option<Zone>, Violation> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    Zone::parse(windows_zones::iana_name(name).unwrap_or(name)).map(Some).map_err(|_| {
        let why = "Unknown time zone: the time is in the time zone of your profile instead.";
        Violation::new("unknown_time_zone", why)
    })
}

/// The day of an instant in a time zone.
pub(super) fn date_in(instant: Timestamp, zone: &Zone) -> Date {
    instant.to_zoned(zone.rules().clone()).date()
}

/// The parts of a time. Unlike in RFC 3339, an offset may lack its colon, as in the files of TickTick.
fn parts(text: &str) -> Result<DateTimeParts, Violation> {
    let text = text.trim();
    let split = text.len().checked_sub(5).and_then(|at| text.split_at_checked(at));
    let offset = split.and_then(|(time, offset)| {
        let digits = offset.strip_prefix(['+', '-'])?;
        let (hours, minutes) = digits.split_at_checked(2)?;
        let is_offset = time.contains(':') && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_offset.then(|| format!("{time}{}{hours}:{minutes}", &offset.get(..1).unwrap_or_default()))
    });
    let parsed = DateTimeParts::parse(offset.as_deref().unwrap_or(text));
    parsed.map_err(|_| Violation::new("invalid_time", "The time has none of the expected forms."))
}

/// An offset or a time zone moves a time by at most a day, so all instants in a day of the accepted years are valid.
fn check_year(date: Date) -> Result<(), Violation> {
    YEARS.contains(&date.year()).then_some(()).ok_or_else(out_of_range)
}

fn out_of_range() -> Violation {
    Violation::new(
        "out_of_range",
        format!("The year must be between {} and {}.", YEARS.start(), YEARS.end()),
    )
}
