//! Examples with published dates: those of RFC 5545 §3.3.10 and §3.8.5.3 that are not in `recurrence_expansion.rs`, the
//! Gregorian ones of RFC 7529 §4, and weeks at the turn of the year from libical.

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};

/// The first `count` wall times of a series in New York.
fn times(start: &str, text: &str, count: usize) -> Vec<String> {
    let zone = Zone::parse("America/New_York").expect("a time zone");
    let due = Due::parse(&format!("{start}[America/New_York]")).expect("a due time");
    let rule = Rule::parse(text).expect(text);
    let first = Series::starting(rule, RecurrenceFrom::Due, due, &zone).expect(text);
    let series = std::iter::successors(Some(first), |one| one.upcoming(&zone, 1).next());
    series.take(count).map(|one| one.occurrence_time.wall_time(&zone).to_string()).collect()
}

/// Reads days such as `1997-09: 2 4 6; 1997-10: 1`, and adds a time of day to each.
fn days(text: &str, time: &str) -> Vec<String> {
    let months = text.split("; ").flat_map(|month| {
        let (month, days) = month.split_once(": ").expect("a month and its days");
        days.split(' ').map(move |day| format!("{month}-{day:0>2}T{time}"))
    });
    months.collect()
}

/// All days from the first to the last.
fn every_day(first: &str, last: &str) -> Vec<String> {
    let [first, last] = [first, last].map(|day| day.parse::<jiff::civil::Date>().expect("a date"));
    let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
    days.map(|day| format!("{day}T09:00:00")).collect()
}

#[test]
fn the_days_that_rfc_5545_lists() {
    for (start, text, expected) in [
        (
            "1997-09-02",
            "FREQ=DAILY;INTERVAL=2",
            "1997-09: 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30; 1997-10: 2 4 6 8 10 12 14 16 18 20 22 24 26 \
             28 30; 1997-11: 1 3 5",
        ),
        ("1997-09-02", "FREQ=DAILY;COUNT=5;INTERVAL=2", "1997-09: 2 4 6 8 10"),
        (
            "1997-09-02",
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            "1997-09: 2 4 9 11 16 18 23 25 30; 1997-10: 2",
        ),
        (
            "1997-09-05",
            "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
            "1997-09: 5; 1997-10: 3; 1997-11: 7; 1997-12: 5",
        ),
        (
            "1997-09-02",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
            "1997-09: 2 9 16 23 30; 1997-11: 4 11 18 25; 1998-01: 6 13 20 27; 1998-03: 3 10 17 24 31",
        ),
        (
            "1997-03-13",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
            "1997-03: 13 20 27; 1998-03: 5 12 19 26; 1999-03: 4 11 18 25",
        ),
        (
            "1997-06-05",
            "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
            "1997-06: 5 12 19 26; 1997-07: 3 10 17 24 31; 1997-08: 7 14 21 28; \
             1998-06: 4 11 18 25; 1998-07: 2 9 16 23 30; 1998-08: 6 13 20 27; \
             1999-06: 3 10 17 24; 1999-07: 1 8 15 22 29; 1999-08: 5 12 19 26",
        ),
        // Its EXDATE is the start. In Taskbell the start is always an occurrence.
        (
            "1997-09-02",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1997-09: 2; 1998-02: 13; 1998-03: 13; 1998-11: 13; 1999-08: 13; 2000-10: 13",
        ),
        (
            "1997-09-30",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "1997-09: 30; 1997-10: 31; 1997-11: 28; 1997-12: 31; 1998-01: 30; 1998-02: 27",
        ),
        ("1997-01-10", "FREQ=YEARLY;BYMONTH=1", "1997-01: 10; 1998-01: 10; 1999-01: 10"),
    ] {
        let expected = days(expected, "09:00:00");
        let ends = text.contains("COUNT") || text.contains("UNTIL");
        let found = times(&format!("{start}T09:00"), text, expected.len() + usize::from(ends));
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(
        times("1997-09-02T09:00", "FREQ=DAILY;UNTIL=19971224T000000Z", 200),
        every_day("1997-09-02", "1997-12-23")
    );
    let januaries = ["1998", "1999", "2000"]
        .map(|year| every_day(&format!("{year}-01-01"), &format!("{year}-01-31")));
    for text in [
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
    ] {
        assert_eq!(times("1998-01-01T09:00", text, 200), januaries.concat(), "{text}");
    }
}

#[test]
fn the_times_of_day_that_rfc_5545_lists() {
    let on = |day: &str, times: &[&str]| -> Vec<String> {
        times.iter().map(|time| format!("{day}T{time}:00")).collect()
    };
    assert_eq!(
        times("1997-09-02T09:00", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", 9),
        on("1997-09-02", &["09:00", "09:15", "09:30", "09:45", "10:00", "10:15"])
    );
    let twenty_minutes: Vec<String> = ["1997-09-02", "1997-09-03"]
        .iter()
        .flat_map(|day| (27..51).map(move |third| (day, third / 3, third % 3 * 20)))
        .map(|(day, hour, minute)| format!("{day}T{hour:02}:{minute:02}:00"))
        .collect();
    for text in [
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    ] {
        assert_eq!(times("1997-09-02T09:00", text, 48), twenty_minutes, "{text}");
    }
    let sundays = ["1997-01-05", "1997-01-12", "1997-01-19", "1997-01-26", "1999-01-03"];
    assert_eq!(
        times(
            "1997-01-05T08:30",
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30",
            10
        ),
        sundays.map(|day| on(day, &["08:30", "09:30"])).concat()
    );
}

/// RFC 7529 §4 with SKIP=OMIT, which is the behavior of RFC 5545.
#[test]
fn days_that_a_month_does_not_have_are_omitted_as_rfc_7529_says() {
    assert_eq!(
        times("2014-01-31T09:00", "FREQ=MONTHLY;COUNT=4", 9),
        days("2014-01: 31; 2014-03: 31; 2014-05: 31; 2014-07: 31", "09:00:00")
    );
    assert_eq!(
        times("2012-02-29T09:00", "FREQ=YEARLY;COUNT=4", 9),
        days("2012-02: 29; 2016-02: 29; 2020-02: 29; 2024-02: 29", "09:00:00")
    );
    for text in ["RSCALE=GREGORIAN;FREQ=YEARLY", "FREQ=MONTHLY;SKIP=BACKWARD", "FREQ=MONTHLY;SKIP=OMIT"]
    {
        assert_eq!(Rule::parse(text).expect_err(text).code, "invalid_recurrence", "{text}");
    }
}

/// A week belongs to the year that contains four of its days, for INTERVAL too.
#[test]
fn an_interval_of_years_with_week_numbers_counts_from_the_week_year_of_the_start() {
    for (start, text, expected) in [
        // 2 January 2010 is in week 53 of 2009. The next year with a week 53 at an interval of six is 2015.
        (
            "2010-01-02",
            "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TU,SA;INTERVAL=6",
            "2010-01: 2; 2015-12: 29; 2016-01: 2",
        ),
        // 31 December 2024 is in week 1 of 2025.
        (
            "2024-12-31",
            "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,TU;INTERVAL=3",
            "2024-12: 31; 2028-01: 3 4; 2030-12: 30 31",
        ),
        (
            "2027-01-02",
            "FREQ=YEARLY;BYWEEKNO=-1,-2",
            "2027-01: 2; 2027-12: 25; 2028-01: 1; 2028-12: 23 30",
        ),
        (
            "2013-01-08",
            "FREQ=YEARLY;BYWEEKNO=1,2",
            "2013-01: 8; 2013-12: 31; 2014-01: 7; 2014-12: 30; 2015-01: 6; 2016-01: 5 12",
        ),
        (
            "2014-01-11",
            "FREQ=YEARLY;BYWEEKNO=1,2;WKST=SU",
            "2014-01: 11; 2015-01: 10 17; 2016-01: 9 16; 2017-01: 7 14",
        ),
        // A start that is not an occurrence counts in its calendar year: 3 January 2027 in 2027, although its week
        // belongs to 2026.
        ("2027-01-03", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH;INTERVAL=5", "2027-01: 3; 2032-12: 30"),
        ("2027-01-03", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH;INTERVAL=6", "2027-01: 3; 2093-12: 31"),
        ("2000-01-02", "FREQ=YEARLY;BYWEEKNO=15;INTERVAL=7", "2000-01: 2; 2000-04: 16; 2007-04: 15"),
    ] {
        let expected = days(expected, "09:00:00");
        assert_eq!(times(&format!("{start}T09:00"), text, expected.len()), expected, "{text}");
    }
}
