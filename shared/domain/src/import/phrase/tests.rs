//! Phrases that are understood, and some that are not.

use super::*;

fn rule(phrase: &str) -> Option<String> {
    parse(phrase)?.rule
}

#[test]
fn common_recurrences_become_rules() {
    for (phrase, expected) in [
        ("every day", "FREQ=DAILY"),
        ("Every Day", "FREQ=DAILY"),
        ("daily", "FREQ=DAILY"),
        ("every! day", "FREQ=DAILY"),
        ("ev 3 days", "FREQ=DAILY;INTERVAL=3"),
        ("every other day", "FREQ=DAILY;INTERVAL=2"),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every week", "FREQ=WEEKLY"),
        ("every 2 weeks", "FREQ=WEEKLY;INTERVAL=2"),
        ("every 2 weeks on tue, thu", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH"),
        ("every monday", "FREQ=WEEKLY;BYDAY=MO"),
        ("every mondays", "FREQ=WEEKLY;BYDAY=MO"),
        ("every mon, fri", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("every mon, wed and fri at 9am", "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
        ("every other tuesday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("every month", "FREQ=MONTHLY"),
        ("every quarter", "FREQ=MONTHLY;INTERVAL=3"),
        ("every month on the 15th", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("every 15th", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("every 1st, 15th", "FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ("every last day", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("every 2nd tuesday", "FREQ=MONTHLY;BYDAY=2TU"),
        ("every last friday", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("every year", "FREQ=YEARLY"),
        ("every jan 27th", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=27"),
        ("every 27 January", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=27"),
        ("every 4 hours", "FREQ=HOURLY;INTERVAL=4"),
        ("every day until 2026-12-31", "FREQ=DAILY;UNTIL=20261231"),
    ] {
        assert_eq!(rule(phrase).as_deref(), Some(expected), "{phrase}");
    }
}

#[test]
fn an_exclamation_mark_counts_from_the_completion() {
    assert_eq!(parse("every! 3 days").unwrap().from, RecurrenceFrom::Completion);
    assert_eq!(parse("every 3 days").unwrap().from, RecurrenceFrom::Due);
}

#[test]
fn times_and_starting_days_are_read() {
    for (phrase, hour, minute) in [
        ("every day at 9am", 9, 0),
        ("every day 9:30 pm", 21, 30),
        ("every day at 12am", 0, 0),
        ("every day @ 18:05", 18, 5),
        ("every 2 weeks at 7", 7, 0),
    ] {
        assert_eq!(parse(phrase).unwrap().time, Time::new(hour, minute, 0, 0).ok(), "{phrase}");
    }
    let start = parse("every 3 days starting 5 Oct 2026 at 8am").unwrap();
    assert_eq!((start.date, start.time), (Date::new(2026, 10, 5).ok(), Time::new(8, 0, 0, 0).ok()));
}

#[test]
fn days_with_a_year_are_read() {
    let day = Date::new(2026, 10, 5).ok();
    for phrase in
        ["2026-10-05", "Oct 5 2026", "5 Oct 2026", "October 5th, 2026", "5 october 2026 18:00"]
    {
        assert_eq!(parse(phrase).unwrap().date, day, "{phrase}");
    }
}

#[test]
fn what_is_not_understood_is_not_guessed() {
    for phrase in [
        "",
        "every",
        "tomorrow",
        "Oct 5",
        "every 2nd tuesday in english",
        "every 0 days",
        "every 99999 days",
        "every 32nd",
        "every jour",
        "every day at 25:00",
        "every day at 13pm",
        "every day at 9am at 10am",
        "every day 9",
        "2026-02-30",
        "5/10/2026",
        "every day until tomorrow",
        "jeden Tag",
        &"every day ".repeat(100),
    ] {
        assert_eq!(parse(phrase), None, "{phrase}");
    }
}
