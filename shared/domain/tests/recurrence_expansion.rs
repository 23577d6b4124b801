//! The occurrences of a rule: the examples of RFC 5545 §3.8.5.3, changes of clocks, missing days, and UNTIL.

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

fn rule(text: &str) -> Rule {
    Rule::parse(text).expect("a rule")
}

fn due(text: &str) -> Due {
    Due::parse(text).expect("a due time")
}

/// The due times of a series, including the first.
fn dues(start: &str, text: &str, count: usize) -> Vec<String> {
    let zone = Zone::parse("Europe/Berlin").expect("a zone");
    let first = Series::starting(rule(text), RecurrenceFrom::Due, due(start), &zone).expect("a series");
    let series = std::iter::successors(Some(first), |one| one.upcoming(&zone, 1).next());
    series.take(count).map(|one| one.occurrence_time.to_string()).collect()
}

/// The examples of RFC 5545 §3.8.5.3 that do not need EXDATE, with the occurrences that it lists.
#[test]
fn the_examples_of_rfc_5545_give_the_dates_it_lists() {
    let nine = "T09:00:00[America/New_York]";
    for (start, text, expected) in [
        (
            "1997-09-02",
            "FREQ=DAILY;COUNT=10",
            "09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11",
        ),
        ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", "09-02 09-12 09-22 10-02 10-12"),
        ("1997-09-02", "FREQ=DAILY;INTERVAL=2;UNTIL=19970908T130000Z", "09-02 09-04 09-06 09-08"),
        (
            "1997-09-02",
            "FREQ=WEEKLY;COUNT=10",
            "09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 11-04",
        ),
        (
            "1997-09-02",
            "FREQ=WEEKLY;UNTIL=19971224T000000Z",
            "09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 \
            11-04 11-11 11-18 11-25 12-02 12-09 12-16 12-23",
        ),
        ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "09-02 09-16 09-30 10-14 10-28 11-11"),
        (
            "1997-09-02",
            "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
            "09-02 09-04 09-09 09-11 09-16 09-18 09-23 \
            09-25 09-30 10-02",
        ),
        (
            "1997-09-01",
            "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
            "09-01 09-03 \
            09-05 09-15 09-17 09-19 09-29 10-01 10-03 10-13 10-15 10-17 10-27 10-29 10-31 11-10 11-12 11-14 \
            11-24 11-26 11-28 12-08 12-10 12-12 12-22",
        ),
        (
            "1997-09-02",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
            "09-02 09-04 09-16 09-18 09-30 \
            10-02 10-14 10-16",
        ),
        (
            "1997-09-05",
            "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
            "1997-09-05 1997-10-03 1997-11-07 1997-12-05 \
            1998-01-02 1998-02-06 1998-03-06 1998-04-03 1998-05-01 1998-06-05",
        ),
        (
            "1997-09-07",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            "1997-09-07 1997-09-28 1997-11-02 \
            1997-11-30 1998-01-04 1998-01-25 1998-03-01 1998-03-29 1998-05-03 1998-05-31",
        ),
        (
            "1997-09-22",
            "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
            "1997-09-22 1997-10-20 1997-11-17 1997-12-22 \
            1998-01-19 1998-02-16",
        ),
        (
            "1997-09-28",
            "FREQ=MONTHLY;BYMONTHDAY=-3",
            "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 \
            1998-02-26",
        ),
        (
            "1997-09-02",
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
            "1997-09-02 1997-09-15 1997-10-02 1997-10-15 \
            1997-11-02 1997-11-15 1997-12-02 1997-12-15 1998-01-02 1998-01-15",
        ),
        (
            "1997-09-30",
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            "1997-09-30 1997-10-01 1997-10-31 1997-11-01 \
            1997-11-30 1997-12-01 1997-12-31 1998-01-01 1998-01-31 1998-02-01",
        ),
        (
            "1997-09-10",
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            "1997-09-10 1997-09-11 \
            1997-09-12 1997-09-13 1997-09-14 1997-09-15 1999-03-10 1999-03-11 1999-03-12 1999-03-13",
        ),
        (
            "1997-06-10",
            "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
            "1997-06-10 1997-07-10 1998-06-10 1998-07-10 \
            1999-06-10 1999-07-10 2000-06-10 2000-07-10 2001-06-10 2001-07-10",
        ),
        (
            "1997-03-10",
            "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
            "1997-03-10 1999-01-10 1999-02-10 \
            1999-03-10 2001-01-10 2001-02-10 2001-03-10 2003-01-10 2003-02-10 2003-03-10",
        ),
        (
            "1997-01-01",
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "1997-01-01 1997-04-10 1997-07-19 \
            2000-01-01 2000-04-09 2000-07-18 2003-01-01 2003-04-10 2003-07-19 2006-01-01",
        ),
        ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "1997-05-19 1998-05-18 1999-05-17"),
        ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12 1998-05-11 1999-05-17"),
        (
            "1998-02-13",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1998-02-13 1998-03-13 1998-11-13 1999-08-13 \
            2000-10-13",
        ),
        (
            "1997-09-13",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "1997-09-13 1997-10-11 1997-11-08 \
            1997-12-13 1998-01-10 1998-02-07 1998-03-07 1998-04-11 1998-05-09 1998-06-13",
        ),
        (
            "1996-11-05",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "1996-11-05 \
            2000-11-07 2004-11-02",
        ),
        (
            "1997-09-04",
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "1997-09-04 1997-10-07 1997-11-06",
        ),
        (
            "1997-09-29",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1997-09-29 1997-10-30 1997-11-27 \
            1997-12-30 1998-01-29 1998-02-26 1998-03-30",
        ),
        (
            "1997-08-05",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05 1997-08-10 1997-08-19 \
            1997-08-24",
        ),
        (
            "1997-08-05",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05 1997-08-17 1997-08-19 \
            1997-08-31",
        ),
        (
            "2007-01-15",
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
            "2007-01-15 2007-01-30 2007-02-15 2007-03-15 \
            2007-03-30",
        ),
    ] {
        let ends = text.contains("COUNT") || text.contains("UNTIL");
        let expected: Vec<_> = expected
            .split_whitespace()
            .map(
                |day| if day.len() == 5 { format!("1997-{day}{nine}") } else { format!("{day}{nine}") },
            )
            .collect();
        let found = dues(&format!("{start}{nine}"), text, expected.len() + usize::from(ends));
        assert_eq!(found, expected, "{text}");
    }
    let hours =
        dues("1997-09-02T09:00[America/New_York]", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", 9);
    assert_eq!(hours.len(), 3, "17:00 in New York is 21:00 UTC: {hours:?}");
    let minutes = dues("1997-09-02T09:00[America/New_York]", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", 9);
    assert_eq!(minutes[3], "1997-09-02T13:30:00[America/New_York]");
}

#[test]
fn the_wall_time_stays_the_same_across_changes_of_clocks() {
    let zone = Zone::parse("Europe/Berlin").expect("a zone");
    for (start, expected) in [
        (
            "2026-03-28T09:00[Europe/Berlin]",
            ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"],
        ),
        (
            "2026-10-24T09:00[Europe/Berlin]",
            ["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"],
        ),
        // 02:30 does not exist on 29 March and occurs twice on 25 October.
        (
            "2026-03-28T02:30[Europe/Berlin]",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "2026-10-24T02:30[Europe/Berlin]",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
    ] {
        let found: Vec<_> =
            dues(start, "FREQ=DAILY", 3).iter().map(|text| due(text).at(&zone).to_string()).collect();
        assert_eq!(found, expected, "{start}");
    }
}

#[test]
fn days_that_do_not_exist_are_skipped() {
    assert_eq!(
        dues("2026-01-31", "FREQ=MONTHLY", 4),
        ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    );
    assert_eq!(dues("2024-02-29", "FREQ=YEARLY", 3), ["2024-02-29", "2028-02-29", "2032-02-29"]);
    assert_eq!(
        dues("2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=-1", 3),
        ["2026-01-31", "2026-02-28", "2026-03-31"]
    );
}

#[test]
fn until_can_be_a_day_a_wall_time_or_an_instant() {
    for (until, count) in [
        ("20260303", 3),
        ("20260303T090000", 3),
        ("20260303T085959", 2),
        ("20260303T080000Z", 3),
        ("20260303T075959Z", 2),
    ] {
        let found = dues("2026-03-01T09:00[Europe/Berlin]", &format!("FREQ=DAILY;UNTIL={until}"), 9);
        assert_eq!(found.len(), count, "{until}");
    }
}
