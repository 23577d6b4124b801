//! Single parts of a rule (RFC 5545 §3.3.10), and changes of clocks.

use taskbell_domain::{
    due::Due,
    recurrence::{RecurrenceFrom, Rule, Series},
    zone::Zone,
};
use taskbell_test::fixtures::instant;

fn series(start: &str, text: &str, zone: &str) -> (Series, Zone) {
    let zone = Zone::parse(zone).expect("a time zone");
    let (rule, start) = (Rule::parse(text).expect(text), Due::parse(start).expect(start));
    (Series::starting(rule, RecurrenceFrom::Due, start, &zone).expect(text), zone)
}

/// The due times after the first one.
fn dues_in(start: &str, text: &str, zone: &str, count: u8) -> Vec<String> {
    let (first, zone) = series(start, text, zone);
    first.upcoming(&zone, count).map(|one| one.occurrence_time.to_string()).collect()
}

fn dues(start: &str, text: &str, count: u8) -> Vec<String> {
    dues_in(start, text, "Europe/Berlin", count)
}

#[test]
fn byday_is_the_union_of_its_elements() {
    assert_eq!(
        dues("2028-01-04", "FREQ=MONTHLY;BYDAY=TU,FR,-1TU", 6),
        ["2028-01-07", "2028-01-11", "2028-01-14", "2028-01-18", "2028-01-21", "2028-01-25"]
    );
    assert_eq!(
        dues("2028-01-01", "FREQ=YEARLY;BYDAY=1MO,-1SU,20WE", 4),
        ["2028-01-03", "2028-05-17", "2028-12-31", "2029-01-01"]
    );
    // 1 January matches both elements and occurs once.
    assert_eq!(
        dues("2027-12-31", "FREQ=YEARLY;BYMONTH=1;BYDAY=1SA,SA", 3),
        ["2028-01-01", "2028-01-08", "2028-01-15"]
    );
}

#[test]
fn ordinals_reach_from_53_before_the_end_to_53() {
    assert_eq!(
        dues("2028-02-01", "FREQ=MONTHLY;BYDAY=-5TU", 4),
        ["2028-05-02", "2028-08-01", "2028-10-03", "2029-01-02"]
    );
    // Years with 53 Saturdays, counted from both ends.
    assert_eq!(dues("2028-01-01", "FREQ=YEARLY;BYDAY=53SA", 2), ["2028-12-30", "2033-12-31"]);
    assert_eq!(dues("2028-01-01", "FREQ=YEARLY;BYDAY=-53SA", 2), ["2033-01-01", "2039-01-01"]);
}

#[test]
fn values_that_a_rule_does_not_give_come_from_the_start() {
    assert_eq!(
        dues("2028-03-07", "FREQ=YEARLY;BYWEEKNO=10", 4),
        ["2029-03-06", "2030-03-05", "2031-03-04", "2032-03-02"]
    );
    assert_eq!(dues("2028-03-07", "FREQ=YEARLY;BYMONTH=5", 2), ["2028-05-07", "2029-05-07"]);
    assert_eq!(
        dues("2028-03-30", "FREQ=YEARLY;BYMONTHDAY=1,31", 3),
        ["2028-03-31", "2029-03-01", "2029-03-31"]
    );
    assert_eq!(
        dues("2026-11-13", "FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR", 3),
        ["2027-08-13", "2028-10-13", "2029-04-13"],
        "a day of the week is looked for in the whole year"
    );
    assert_eq!(
        dues("2028-03-07T09:15:42[UTC]", "FREQ=DAILY;BYHOUR=8,20", 2),
        ["2028-03-07T20:15:42[UTC]", "2028-03-08T08:15:42[UTC]"]
    );
}

#[test]
fn weeks_at_the_turn_of_the_year_are_those_of_iso_8601() {
    // 2026 has 53 weeks. Week 1 of 2029 is entirely in 2029, and week 1 of 2030 starts on 31 December 2029.
    assert_eq!(
        dues("2026-12-28", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,SU", 3),
        ["2027-01-03", "2032-12-27", "2033-01-02"]
    );
    assert_eq!(
        dues("2029-01-01", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", 3),
        ["2029-12-31", "2030-12-30", "2031-12-29"]
    );
    assert_eq!(
        dues("2026-12-31", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=TH", 3),
        ["2027-12-30", "2028-12-28", "2029-12-27"]
    );
    // A start that is not an occurrence counts in its calendar year.
    assert_eq!(dues("2027-01-03", "FREQ=YEARLY;INTERVAL=5;BYWEEKNO=53;BYDAY=TH", 1), ["2032-12-30"]);
    // A year is 52 or 53 whole weeks, so every second year starts with its first week.
    assert_eq!(
        dues("2029-12-31", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO,TU,WE", 5),
        ["2030-01-01", "2030-01-02", "2031-12-29", "2031-12-30", "2031-12-31"]
    );
}

#[test]
fn until_is_inclusive_and_a_day_starts_at_midnight_in_the_time_zone() {
    let until = |until: &str| dues("2026-03-01", &format!("FREQ=DAILY;UNTIL={until}"), 9).len();
    // Midnight in Berlin is 23:00 UTC.
    assert_eq!([until("20260302T225959Z"), until("20260302T230000Z")], [1, 2]);
    assert_eq!([until("20260302T235959"), until("20260303T000000"), until("20260303")], [1, 2, 2]);
    for forever in ["99991231T235959Z", "99991231", "99991231T235960Z", "22000101T000000"] {
        assert_eq!(until(forever), 9, "{forever}");
    }
    assert_eq!(until("20260304T235960Z"), 4, "a leap second");
}

#[test]
fn a_due_instant_recurs_in_the_time_zone_of_its_task() {
    // 19:10 on Wednesday in Los Angeles is Thursday in UTC.
    let zone = Zone::parse("America/Los_Angeles").expect("a time zone");
    let (mut daily, _) = series("2026-11-25T17:00:00Z", "FREQ=DAILY", "America/Los_Angeles");
    daily.from = RecurrenceFrom::Completion;
    let next = daily.next(&zone, instant("2026-11-26T03:10:00Z")).expect("a next occurrence");
    assert_eq!(next.occurrence_time.to_string(), "2026-11-26T17:00:00Z");
    // It is Sunday in Los Angeles.
    assert_eq!(
        dues_in("2026-03-02T02:00:00Z", "FREQ=WEEKLY;BYDAY=SU", "America/Los_Angeles", 2),
        ["2026-03-09T01:00:00Z", "2026-03-16T01:00:00Z"],
        "18:00 stays 18:00 when the clocks are set forward"
    );
}

#[test]
fn elapsed_time_is_even_across_changes_of_clocks() {
    assert_eq!(
        dues("2026-03-29T01:00[Europe/Berlin]", "FREQ=HOURLY", 2),
        ["2026-03-29T03:00:00[Europe/Berlin]", "2026-03-29T04:00:00[Europe/Berlin]"]
    );
    assert_eq!(
        dues("2026-10-25T01:30[Europe/Berlin]", "FREQ=HOURLY", 3),
        [
            "2026-10-25T02:30:00[Europe/Berlin]",
            "2026-10-25T02:30:00+01:00[Europe/Berlin]",
            "2026-10-25T03:30:00[Europe/Berlin]"
        ]
    );
    assert_eq!(
        dues("2026-10-25T01:30[Europe/Berlin]", "FREQ=MINUTELY;INTERVAL=45;BYSECOND=0,30", 4),
        [
            "2026-10-25T01:30:30[Europe/Berlin]",
            "2026-10-25T02:15:00[Europe/Berlin]",
            "2026-10-25T02:15:30[Europe/Berlin]",
            "2026-10-25T02:00:00+01:00[Europe/Berlin]"
        ]
    );
    for (zone, near) in [
        ("Europe/Berlin", "2026-10-25"),
        ("Europe/Berlin", "2026-03-29"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("America/Santiago", "2027-04-03"),
        ("Africa/Casablanca", "2026-02-15"),
        ("Pacific/Apia", "2011-12-30"),
        ("America/New_York", "2026-11-01"),
    ] {
        for (freq, seconds) in [
            ("HOURLY;INTERVAL=1", 3_600),
            ("MINUTELY;INTERVAL=7", 420),
            ("SECONDLY;INTERVAL=3601", 3_601),
        ] {
            let day: jiff::civil::Date = near.parse().expect("a date");
            let start = day.yesterday().expect("a date").at(22, 17, 5, 0);
            let (first, own) = series(&format!("{start}[{zone}]"), &format!("FREQ={freq}"), zone);
            let count = u8::try_from((60 * 3_600 / seconds).min(255)).expect("few");
            let mut before = first.occurrence_time.at(&own);
            for one in first.upcoming(&own, count) {
                let at = one.occurrence_time.at(&own);
                assert_eq!(
                    (at - before).get_seconds(),
                    seconds,
                    "{zone} {near} {freq}: {}",
                    one.occurrence_time
                );
                assert_eq!(
                    Due::parse(&one.occurrence_time.to_string()),
                    Ok(one.occurrence_time),
                    "what is stored reads back"
                );
                before = at;
            }
        }
    }
}

#[test]
fn rules_in_wall_time_never_repeat_or_go_back() {
    // 02:00 and 02:30 do not exist on 29 March and occur twice on 25 October.
    assert_eq!(
        dues("2026-03-28T03:30[Europe/Berlin]", "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", 4),
        [
            "2026-03-29T02:00:00[Europe/Berlin]",
            "2026-03-29T02:30:00[Europe/Berlin]",
            "2026-03-30T02:00:00[Europe/Berlin]",
            "2026-03-30T02:30:00[Europe/Berlin]"
        ]
    );
    assert_eq!(
        dues("2026-10-25T01:30[Europe/Berlin]", "FREQ=HOURLY;BYHOUR=1,2,3", 3),
        [
            "2026-10-25T02:30:00[Europe/Berlin]",
            "2026-10-25T03:30:00[Europe/Berlin]",
            "2026-10-26T01:30:00[Europe/Berlin]"
        ]
    );
    let all = |count: u8| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (zone, start) in [
        ("Europe/Berlin", "2026-03-28T22:00"),
        ("Europe/Berlin", "2026-10-24T22:00"),
        ("Australia/Lord_Howe", "2026-10-03T22:00"),
        ("Pacific/Apia", "2011-12-29T22:00"),
        ("America/Santiago", "2026-09-05T20:00"),
    ] {
        for rule in [
            format!("FREQ=DAILY;BYHOUR={};BYMINUTE=0,15,40", all(24)),
            format!("FREQ=HOURLY;BYHOUR={};BYMINUTE=5,50", all(24)),
            format!("FREQ=MINUTELY;INTERVAL=11;BYHOUR={}", all(24)),
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3;BYMINUTE=0,20".to_owned(),
        ] {
            let (first, own) = series(&format!("{start}[{zone}]"), &rule, zone);
            let mut before = first.occurrence_time.at(&own);
            for one in first.upcoming(&own, 200) {
                let at = one.occurrence_time.at(&own);
                assert!(at > before, "{zone} {rule}: {}", one.occurrence_time);
                before = at;
            }
        }
    }
}

#[test]
fn a_rule_that_never_occurs_ends_after_a_bounded_search() {
    let never = |text: &str, start: &str| {
        let start = Due::parse(start).expect("a due time");
        let series =
            Series::starting(Rule::parse(text).expect(text), RecurrenceFrom::Due, start, &Zone::utc());
        assert_eq!(series.expect_err(text).code, "no_occurrence", "{text}");
    };
    let start = "1970-01-01T00:00:00Z";
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7;BYDAY=MO",
        "FREQ=DAILY;BYMONTHDAY=31;BYMONTH=6",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1,3,5",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=DAILY;BYSECOND=60",
        "FREQ=HOURLY;BYMINUTE=1;BYSETPOS=2",
        "FREQ=YEARLY;BYMONTH=1;BYSETPOS=366",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=4294967295",
    ] {
        never(text, start);
    }
    // Rare occurrences are found.
    assert_eq!(dues("1972-02-29", "FREQ=YEARLY;INTERVAL=200", 1), ["2172-02-29"]);
    assert_eq!(
        dues("1970-01-01T15:00:00Z", "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=0;BYMINUTE=0;BYSECOND=0", 1)
            .len(),
        1
    );
    assert_eq!(
        dues("2026-01-01T00:00:01Z", "FREQ=SECONDLY;INTERVAL=3601;BYMINUTE=0;BYSECOND=0", 1).len(),
        1
    );
}
