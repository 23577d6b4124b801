//! Recurrences of Microsoft Graph (`patternedRecurrence`) as rules of RFC 5545.

use serde_json::{Map, Value};

use super::records::{list, number, object, text};

/// The rule of a recurrence. `None` for an unknown or incomplete pattern. A weekly or monthly pattern without days recurs on
/// the day of the due time, as a rule without BYDAY and BYMONTHDAY does.
///
/// Microsoft's number of occurrences counts from the first one, which may be past. It is kept as it is.
pub(super) fn rule(recurrence: &Map<String, Value>) -> Option<String> {
    let pattern = object(recurrence, "pattern")?;
    let interval = number(pattern, "interval").filter(|interval| *interval > 0).unwrap_or(1);
    // Graph writes 0 for a number that the pattern does not have.
    let positive = |name| number(pattern, name).filter(|number| *number > 0);
    let (day, month) = (positive("dayOfMonth"), positive("month"));
    let in_month = day.map(|day| format!(";BYMONTHDAY={day}")).unwrap_or_default();
    let in_week = days(pattern).map(|days| format!(";BYDAY={days}")).unwrap_or_default();
    let parts = match text(pattern, "type")? {
        "daily" => "FREQ=DAILY".to_owned(),
        "weekly" => format!("FREQ=WEEKLY{in_week};WKST={}", week_start(pattern)),
        "absoluteMonthly" => format!("FREQ=MONTHLY{in_month}"),
        "relativeMonthly" => format!("FREQ=MONTHLY;{}", relative_days(pattern)?),
        "absoluteYearly" => format!("FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}", month?, day?),
        "relativeYearly" => format!("FREQ=YEARLY;BYMONTH={};{}", month?, relative_days(pattern)?),
        _ => return None,
    };
    let range = object(recurrence, "range");
    let end = match range.and_then(|range| Some((text(range, "type")?, range))) {
        Some(("endDate", range)) => format!(";UNTIL={}", text(range, "endDate")?.replace('-', "")),
        Some(("numbered", range)) => format!(";COUNT={}", number(range, "numberOfOccurrences")?),
        _ => String::new(),
    };
    Some(format!("{parts};INTERVAL={interval}{end}"))
}

/// The value of BYDAY.
fn days(pattern: &Map<String, Value>) -> Option<String> {
    let days: Option<Vec<_>> =
        list(pattern, "daysOfWeek").take(7).map(|day| weekday(day.as_str()?)).collect();
    days.filter(|days| !days.is_empty()).map(|days| days.join(","))
}

/// The first or last of some days of the week in a month.
fn relative_days(pattern: &Map<String, Value>) -> Option<String> {
    let position = match text(pattern, "index").unwrap_or("first") {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "last" => -1,
        _ => return None,
    };
    Some(format!("BYDAY={};BYSETPOS={position}", days(pattern)?))
}

fn week_start(pattern: &Map<String, Value>) -> &'static str {
    text(pattern, "firstDayOfWeek").and_then(weekday).unwrap_or("SU")
}

fn weekday(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "monday" => "MO",
        "tuesday" => "TU",
        "wednesday" => "WE",
        "thursday" => "TH",
        "friday" => "FR",
        "saturday" => "SA",
        "sunday" => "SU",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recurrence::Rule;

    fn of(pattern: &str, range: &str) -> Option<String> {
        let value =
            serde_json::from_str(&format!(r#"{{"pattern": {pattern}, "range": {range}}}"#)).unwrap();
        rule(&value)
    }

    #[test]
    fn patterns_become_rules() {
        let end = r#"{"type": "endDate", "startDate": "2026-01-01", "endDate": "2026-12-31"}"#;
        for (pattern, range, expected) in [
            (r#"{"type": "daily", "interval": 3}"#, "null", "FREQ=DAILY;INTERVAL=3"),
            (
                r#"{"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "friday"], "firstDayOfWeek": "monday"}"#,
                r#"{"type": "noEnd", "endDate": "0001-01-01"}"#,
                "FREQ=WEEKLY;BYDAY=MO,FR;WKST=MO;INTERVAL=2",
            ),
            (
                r#"{"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 15}"#,
                end,
                "FREQ=MONTHLY;BYMONTHDAY=15;INTERVAL=1;UNTIL=20261231",
            ),
            (
                r#"{"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "second"}"#,
                r#"{"type": "numbered", "numberOfOccurrences": 5}"#,
                "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;INTERVAL=1;COUNT=5",
            ),
            (r#"{"type": "weekly", "interval": 1}"#, "null", "FREQ=WEEKLY;WKST=SU;INTERVAL=1"),
            (r#"{"type": "absoluteMonthly", "dayOfMonth": 0}"#, "null", "FREQ=MONTHLY;INTERVAL=1"),
            (
                r#"{"type": "absoluteYearly", "interval": 1, "month": 3, "dayOfMonth": 1}"#,
                "null",
                "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1;INTERVAL=1",
            ),
            (
                r#"{"type": "relativeYearly", "interval": 1, "month": 11, "daysOfWeek": ["thursday"], "index": "last"}"#,
                "null",
                "FREQ=YEARLY;BYMONTH=11;BYDAY=TH;BYSETPOS=-1;INTERVAL=1",
            ),
        ] {
            let rule = of(pattern, range).unwrap();
            assert_eq!(rule, expected);
            assert!(Rule::parse(&rule).is_ok(), "{rule}");
        }
    }

    #[test]
    fn unknown_and_incomplete_patterns_have_no_rule() {
        for pattern in [
            "null",
            "{}",
            r#"{"type": "hourly"}"#,
            r#"{"type": "relativeMonthly"}"#,
            r#"{"type": "absoluteYearly", "month": 0}"#,
        ] {
            assert_eq!(of(pattern, "null"), None, "{pattern}");
        }
    }
}
