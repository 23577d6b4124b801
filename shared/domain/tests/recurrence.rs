//! Series of tasks: which occurrences a rule gives, and what completing, skipping and rescheduling do.

use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome, Reason},
    due::Due,
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::ReminderSpec,
    task::{Completion, Status, Step, Task, TaskPatch},
    zone::Zone,
};
use taskbell_test::{
    SeededRandom,
    fixtures::{draft, due_draft, instant, now, task, user},
};

fn rule(text: &str) -> Rule {
    Rule::parse(text).expect("a rule")
}

fn due(text: &str) -> Due {
    Due::parse(text).expect("a due time")
}

/// The due times of a series, the first included.
fn dues(start: &str, text: &str, count: usize) -> Vec<String> {
    let zone = Zone::parse("Europe/Berlin").expect("a zone");
    let first = Series::starting(rule(text), RecurrenceFrom::Due, due(start), &zone).expect("a series");
    let series = std::iter::successors(Some(first), |one| one.upcoming(&zone, 1).next());
    series.take(count).map(|one| one.occurrence_time.to_string()).collect()
}

fn recurring(text: &str, start: &str) -> Task {
    let mut wanted = due_draft("Wind the clock", start, &["PT30M"]);
    wanted.recurrence = Some(rule(text));
    task(1, &user(1), wanted)
}

fn complete(task: &mut Task, at: &str) -> Option<Box<Task>> {
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    task.apply(patch, None, instant(at), &SeededRandom::new(8)).expect("a valid patch").next
}

fn refusal(text: &str, start: &str) -> (String, &'static str) {
    let mut wanted = draft("t");
    (wanted.due, wanted.recurrence) = (Some(due(start)), Some(rule(text)));
    let (ada, random) = (user(1), SeededRandom::new(1));
    let space = taskbell_domain::id::SpaceId::personal(ada.id);
    let id = task(1, &ada, draft("t")).id;
    let refused = Task::create(id, space, wanted, &ada, now(), &random).expect_err("refused");
    (refused.field, refused.code)
}

/// The examples of RFC 5545 §3.8.5.3 that can be written without EXDATE, with the occurrences that it lists.
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
fn nine_stays_nine_across_both_changes_of_the_clocks() {
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
        // 02:30 does not exist on 29 March and exists twice on 25 October.
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
fn days_that_a_month_or_a_year_does_not_have_are_left_out() {
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
fn an_end_may_be_a_day_a_wall_time_or_an_instant() {
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

#[test]
fn a_rule_that_is_none_is_refused() {
    for text in [
        "",
        "x",
        "FREQ",
        "FREQ=",
        "FREQ=FORTNIGHTLY",
        "INTERVAL=2",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY\nRRULE:FREQ=DAILY",
        "DTSTART=20260101;FREQ=DAILY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=+1",
        "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;UNTIL=x",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;COUNT=1;UNTIL=20270101",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYWEEKNO=54",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=DAILY;BYYEARDAY=1",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYHOUR=1;X-PART=1",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=DAILY;BYDAY=2TU",
        "FREQ=MONTHLY;BYDAY=1XMO",
        "FREQ=MONTHLY;BYDAY=99999MO",
        "FREQ=MONTHLY;BYDAY=O",
        "FREQ=täglich",
        ";FREQ=DAILY",
        "FREQ=DAILY;;",
        "RRULE:RRULE:FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=4294967296",
        "FREQ=DAILY;COUNT=1;UNTIL=99991231T235959Z",
        "FREQ=DAILY;UNTIL=2026123",
        "FREQ=DAILY;UNTIL=20261231T0900",
        "FREQ=DAILY;UNTIL=20261231Z",
        "FREQ=DAILY;BYSECOND=61",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYMONTH=2L",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=MO,,TU",
        "FREQ=MONTHLY;BYDAY=ÄÖ",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
        "FREQ=HOURLY;BYDAY=1MO",
        "RSCALE=GREGORIAN;FREQ=YEARLY",
    ] {
        assert_eq!(Rule::parse(text).expect_err(text).code, "invalid_recurrence", "{text}");
    }
    assert!(Rule::parse(&format!("FREQ=DAILY;BYHOUR={}", ["1"; 250].join(","))).is_err(), "too long");
    assert_eq!(rule("RRULE:FREQ=DAILY;").to_string(), "FREQ=DAILY");
    assert_eq!(rule("freq=weekly;byday=mo").to_string(), "FREQ=WEEKLY;BYDAY=MO");
}

#[test]
fn a_series_needs_a_due_time_that_its_rule_goes_on_from() {
    let recurrence = |code| ("recurrence".to_owned(), code);
    assert_eq!(
        refusal("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-03-01"),
        recurrence("no_occurrence")
    );
    assert_eq!(refusal("FREQ=DAILY;UNTIL=20260228", "2026-03-01"), recurrence("ends_before_due"));
    assert_eq!(refusal("FREQ=HOURLY", "2026-03-01"), recurrence("needs_time"));
    assert_eq!(refusal("FREQ=DAILY;BYHOUR=9", "2026-03-01"), recurrence("needs_time"));
    let mut loose = task(1, &user(1), draft("t"));
    let mut refused = |patch: TaskPatch| {
        let result = loose.apply(patch, Some(&user(1)), now(), &SeededRandom::new(1));
        result.map_err(|error| (error.field, error.code)).expect_err("refused")
    };
    let weekly = || Some(Some(rule("FREQ=WEEKLY")));
    assert_eq!(
        refused(TaskPatch { recurrence: weekly(), ..TaskPatch::default() }),
        recurrence("needs_due")
    );
    let from = TaskPatch { recurrence_from: Some(RecurrenceFrom::Completion), ..TaskPatch::default() };
    assert_eq!(refused(from), ("recurrence_from".to_owned(), "needs_recurrence"));
    let mut series = recurring("FREQ=WEEKLY", "2026-03-02");
    let bare = TaskPatch { due: Some(None), ..TaskPatch::default() };
    let refused =
        series.apply(bare, Some(&user(1)), now(), &SeededRandom::new(1)).expect_err("refused");
    assert_eq!((refused.field, refused.code), recurrence("needs_due"));
}

#[test]
fn completing_an_occurrence_makes_the_next_one_once() {
    let mut first = recurring("FREQ=WEEKLY;COUNT=2", "2026-03-02T09:00[Europe/Berlin]");
    let at = ReminderSpec::parse_at("2026-03-02T07:00:00Z").expect("a time");
    let both = vec![first.reminders[0].spec.clone(), at];
    let patch = TaskPatch { reminders: Some(both), ..TaskPatch::default() };
    first.apply(patch, None, now(), &SeededRandom::new(4)).expect("a valid patch");

    let second = complete(&mut first, "2026-03-05T00:00:00Z").expect("the next one");
    assert_eq!(first.next_occurrence, Some(second.id));
    assert_eq!((second.version, second.status, second.completed_at), (1, Status::Pending, None));
    assert_eq!(second.due, Some(due("2026-03-09T09:00[Europe/Berlin]")), "a week after it was due");
    assert_eq!(second.due_at, Some(instant("2026-03-09T08:00:00Z")));
    let fires: Vec<_> =
        second.reminders.iter().map(|r| (r.delivery.fire_at, r.delivery.status)).collect();
    assert_eq!(
        fires,
        [(instant("2026-03-09T07:30:00Z"), DeliveryStatus::Scheduled)],
        "the one that counts from it"
    );
    assert_ne!(second.reminders[0].id, first.reminders[0].id);

    let open = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    first.apply(open, None, now(), &SeededRandom::new(4)).expect("a valid patch");
    assert_eq!(complete(&mut first, "2026-03-06T00:00:00Z"), None, "it was made before");
    let mut second = *second;
    assert_eq!(second.recurrence.as_ref().map(|series| series.number), Some(2));
    assert_eq!(complete(&mut second, "2026-03-09T09:00:00Z"), None, "COUNT ends the series");
}

#[test]
fn a_series_can_count_from_the_completion() {
    for (text, start, done, expected) in [
        (
            "FREQ=DAILY;INTERVAL=3",
            "2026-03-01T09:00[Europe/Berlin]",
            "2026-03-10T21:00:00Z",
            "2026-03-13T09:00[Europe/Berlin]",
        ),
        // At 23:30 UTC it is the next day in Berlin.
        ("FREQ=DAILY", "2026-03-01", "2026-03-10T23:30:00Z", "2026-03-12"),
        (
            "FREQ=HOURLY;INTERVAL=4",
            "2026-03-01T08:00:00Z",
            "2026-03-10T21:17:03Z",
            "2026-03-11T01:17:03Z",
        ),
        // Done before it is due: after both.
        ("FREQ=WEEKLY", "2026-03-20", "2026-03-10T12:00:00Z", "2026-03-24"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "2026-04-01", "2026-03-26T12:00:00Z", "2026-05-01"),
        (
            "FREQ=DAILY",
            "2026-03-11T09:00[Europe/Berlin]",
            "2026-03-05T09:00:00Z",
            "2026-03-12T09:00[Europe/Berlin]",
        ),
        // On the day, before and after the times that the rule names.
        (
            "FREQ=DAILY;BYHOUR=8,20",
            "2026-03-09T08:00[UTC]",
            "2026-03-10T06:00:00Z",
            "2026-03-10T20:00[UTC]",
        ),
        (
            "FREQ=DAILY;BYHOUR=8,20",
            "2026-03-09T08:00[UTC]",
            "2026-03-10T21:00:00Z",
            "2026-03-11T08:00[UTC]",
        ),
    ] {
        let mut first = recurring(text, start);
        let patch =
            TaskPatch { recurrence_from: Some(RecurrenceFrom::Completion), ..TaskPatch::default() };
        first.apply(patch, None, now(), &SeededRandom::new(4)).expect("a valid patch");
        let next = complete(&mut first, done).expect("the next one");
        assert_eq!(next.due, Some(due(expected)), "{text}");
    }
}

#[test]
fn rescheduling_one_occurrence_keeps_the_rule_and_its_grid() {
    let mut moved = recurring("FREQ=WEEKLY", "2026-03-02");
    let to = |text| TaskPatch { due: Some(Some(due(text))), ..TaskPatch::default() };
    moved
        .apply(to("2026-03-04T18:00[Europe/Berlin]"), Some(&user(1)), now(), &SeededRandom::new(1))
        .expect("valid");
    let next = complete(&mut moved, "2026-03-04T18:00:00Z").expect("the next one");
    assert_eq!(next.due, Some(due("2026-03-09")), "Mondays, all day");

    // Sent together with its rule, a due time moves the series.
    let mut anew = recurring("FREQ=WEEKLY", "2026-03-02");
    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=WEEKLY"))), ..to("2026-03-04") };
    anew.apply(patch, Some(&user(1)), now(), &SeededRandom::new(1)).expect("a valid patch");
    assert_eq!(
        complete(&mut anew, "2026-03-04T18:00:00Z").expect("the next one").due,
        Some(due("2026-03-11"))
    );
}

#[test]
fn skipping_passes_over_one_occurrence_and_keeps_the_task() {
    let mut skipped = recurring("FREQ=DAILY;COUNT=3", "2026-03-02T09:00[Europe/Berlin]");
    let id = skipped.id;
    for expected in ["2026-03-03T09:00[Europe/Berlin]", "2026-03-04T09:00[Europe/Berlin]"] {
        skipped.skip(now(), &SeededRandom::new(2)).expect("there is a next one");
        assert_eq!((skipped.id, &skipped.due), (id, &Some(due(expected))));
        assert_eq!(skipped.reminders.len(), 1);
    }
    assert_eq!(skipped.version, 3);
    assert_eq!(skipped.skip(now(), &SeededRandom::new(2)).expect_err("the last").code, "series_ended");
    complete(&mut skipped, "2026-03-04T10:00:00Z");
    assert_eq!(skipped.skip(now(), &SeededRandom::new(2)).expect_err("done").code, "already_completed");
    let mut single = task(1, &user(1), draft("t"));
    assert_eq!(single.skip(now(), &SeededRandom::new(2)).expect_err("single").code, "not_recurring");
}

fn short_lived(after: &str) -> Task {
    let mut wanted = due_draft("t", "2026-03-01T08:02:00Z", &["PT1M", "PT0S"]);
    wanted.auto_complete_after = Some(AutoComplete::parse(after).expect("a duration"));
    task(1, &user(1), wanted)
}

#[test]
fn a_task_completes_itself_after_its_reminders_have_rung() {
    let random = SeededRandom::new(6);
    let mut short = short_lived("PT2M");
    let end = instant("2026-03-01T08:02:00Z");
    assert_eq!(short.auto_complete_at(), Some(end));
    for _ in 0..2 {
        let Step::Send(claim) = short.begin_delivery(end, &random) else { panic!("a reminder is due") };
        short.finish_delivery(claim, &Outcome::Accepted("m".to_owned()), end);
    }
    assert_eq!(short.timer().expect("a timer").at, end);
    assert_eq!(short.begin_delivery(end, &random), Step::Completed(None));
    assert_eq!((short.status, short.completed_at), (Status::Completed, Some(end)));
    assert_eq!((short.completed_by, short.timer()), (Some(Completion::Timer), None));
    assert_eq!(short.begin_delivery(end, &random), Step::Idle);
}

#[test]
fn an_automatic_completion_silences_later_reminders() {
    let mut short = short_lived("PT30S");
    let at = instant("2026-03-01T08:00:30Z");
    assert_eq!(short.begin_delivery(at, &SeededRandom::new(7)), Step::Completed(None));
    assert!(short.reminders.iter().all(|r| r.delivery.reason == Some(Reason::TaskCompleted)));
}

/// A series without reminders that completes itself.
fn completing(text: &str, start: &str, after: &str) -> Task {
    let mut wanted = due_draft("t", start, &[]);
    wanted.recurrence = Some(rule(text));
    wanted.auto_complete_after = Some(AutoComplete::parse(after).expect("a duration"));
    task(1, &user(1), wanted)
}

#[test]
fn a_series_that_completes_itself_continues_after_the_present() {
    for (text, start, expected) in [
        ("FREQ=HOURLY", "1970-01-01T00:00:00Z", "2026-03-01T09:00:00Z"),
        ("FREQ=HOURLY;INTERVAL=7", "2020-05-05T05:05:00Z", "2026-03-01T11:05:00Z"),
        ("FREQ=DAILY", "1970-01-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("FREQ=DAILY", "1990-06-01", "2026-03-01"),
        ("FREQ=YEARLY", "1996-02-29", "2028-02-29"),
        ("FREQ=HOURLY;BYMINUTE=7", "1980-01-01T00:00[Asia/Kolkata]", "2026-03-01T14:07[Asia/Kolkata]"),
    ] {
        let mut task = completing(text, start, "PT1S");
        let at = task.auto_complete_at().expect("it completes itself");
        assert_eq!(at, now() + jiff::SignedDuration::from_secs(1), "{text}");
        let Step::Completed(Some(next)) = task.begin_delivery(at, &SeededRandom::new(8)) else {
            panic!("{text}: it completes itself")
        };
        assert_eq!(next.due, Some(due(expected)), "{text}");
        assert!(next.auto_complete_at() > next.due_at, "{text}");
    }
    // Completed by somebody, it takes each one in turn.
    let mut daily = completing("FREQ=DAILY", "2026-02-01", "PT1S");
    assert_eq!(complete(&mut daily, "2026-03-01T09:00:00Z").unwrap().due, Some(due("2026-02-02")));
}

#[test]
fn a_rule_that_comes_more_than_24_times_a_day_cannot_complete_itself() {
    let list = |count: u8| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (text, most) in [
        ("FREQ=HOURLY".to_owned(), 24),
        ("FREQ=HOURLY;BYMINUTE=30".to_owned(), 24),
        ("FREQ=HOURLY;BYMINUTE=0,30".to_owned(), 48),
        ("FREQ=HOURLY;INTERVAL=2;BYMINUTE=0,30".to_owned(), 24),
        (format!("FREQ=HOURLY;BYMINUTE={}", list(60)), 1_440),
        (format!("FREQ=HOURLY;BYMINUTE={};BYSETPOS=1", list(60)), 24),
        (format!("FREQ=HOURLY;INTERVAL=24;BYMINUTE={}", list(60)), 60),
        ("FREQ=HOURLY;BYSECOND=0,1".to_owned(), 48),
        ("FREQ=HOURLY;BYHOUR=8,9;BYMINUTE=0,30".to_owned(), 4),
        (format!("FREQ=DAILY;BYHOUR={};BYMINUTE=0", list(13)), 13),
        (format!("FREQ=DAILY;BYHOUR={};BYMINUTE=0,30", list(13)), 26),
        (format!("FREQ=YEARLY;BYHOUR={0};BYMINUTE={0};BYSECOND={0}", list(24)), 24 * 24 * 24),
        ("FREQ=MINUTELY".to_owned(), 1_440),
        ("FREQ=MINUTELY;INTERVAL=60".to_owned(), 24),
        ("FREQ=MINUTELY;INTERVAL=60;BYSECOND=1,2".to_owned(), 48),
        ("FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0,10".to_owned(), 2),
        ("FREQ=SECONDLY;INTERVAL=3600".to_owned(), 24),
        ("FREQ=SECONDLY".to_owned(), 86_400),
        ("FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=1,2".to_owned(), 2),
    ] {
        assert_eq!(Rule::parse(&text).expect(&text).max_per_day(), most, "{text}");
        let mut wanted = due_draft("t", "2026-03-01T00:00:00Z", &[]);
        wanted.recurrence = Some(rule(&text));
        wanted.auto_complete_after = Some(AutoComplete::parse("PT1S").expect("a duration"));
        let (ada, random) = (user(1), SeededRandom::new(1));
        let space = taskbell_domain::id::SpaceId::personal(ada.id);
        let made = Task::create(task(1, &ada, draft("t")).id, space, wanted, &ada, now(), &random);
        assert_eq!(made.err().map(|error| error.code), (most > 24).then_some("too_dense"), "{text}");
    }
}

#[test]
fn an_occurrence_completes_itself_counted_from_its_due_time_and_makes_the_next_one() {
    let mut hourly = short_lived("PT30S");
    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=HOURLY"))), ..TaskPatch::default() };
    hourly.apply(patch, None, now(), &SeededRandom::new(6)).expect("a valid patch");
    let at = instant("2026-03-01T08:02:30Z");
    assert_eq!(hourly.auto_complete_at(), Some(at), "not before it is due");
    hourly.reminders.clear();
    let Step::Completed(Some(next)) = hourly.begin_delivery(at, &SeededRandom::new(7)) else {
        panic!("it is time")
    };
    assert_eq!(next.auto_complete_at(), Some(instant("2026-03-01T09:02:30Z")));

    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=MINUTELY"))), ..TaskPatch::default() };
    let refused = short_lived("PT1S").apply(patch, None, now(), &SeededRandom::new(6));
    assert_eq!(refused.expect_err("refused").code, "too_dense");
}

#[test]
fn skipping_goes_on_behind_the_place_also_where_the_series_counts_from_completions() {
    for (text, due_time, expected) in [
        ("FREQ=WEEKLY;BYDAY=FR", "2026-03-06", "2026-03-13"),
        ("FREQ=DAILY", "2026-03-11", "2026-03-12"),
        ("FREQ=DAILY", "2026-02-01", "2026-03-02"),
    ] {
        let mut first = recurring(text, due_time);
        let patch =
            TaskPatch { recurrence_from: Some(RecurrenceFrom::Completion), ..TaskPatch::default() };
        first.apply(patch, None, now(), &SeededRandom::new(4)).expect("a valid patch");
        first.skip(now(), &SeededRandom::new(4)).expect("there is a next one");
        assert_eq!(first.due, Some(due(expected)), "{text}");
    }
}

#[test]
fn a_completed_task_begins_no_series_unless_it_is_reopened() {
    let mut done = recurring("FREQ=DAILY", "2026-03-02");
    complete(&mut done, "2026-03-02T10:00:00Z");
    let anew = |status| TaskPatch {
        recurrence: Some(Some(rule("FREQ=WEEKLY"))),
        status,
        ..TaskPatch::default()
    };
    let mut patch = |patch| done.apply(patch, None, now(), &SeededRandom::new(5));
    assert_eq!(patch(anew(None)).expect_err("refused").code, "needs_open");
    assert_eq!(patch(anew(Some(Status::Completed))).expect_err("refused").code, "needs_open");
    let open = patch(anew(Some(Status::Pending))).expect("a valid patch");
    assert_eq!((open.changed, open.next), (true, None));
}

#[test]
fn a_change_or_a_completion_by_somebody_calls_an_automatic_completion_off() {
    let random = SeededRandom::new(6);
    let (early, late) = (instant("2026-03-01T08:01:00Z"), instant("2026-03-01T08:03:00Z"));
    let none = |reminders| TaskPatch { reminders, ..TaskPatch::default() };
    let mut changed = short_lived("PT2M");
    changed.apply(none(Some(Vec::new())), None, early, &random).expect("a valid patch");
    assert_eq!(changed.begin_delivery(instant("2026-03-01T08:02:59Z"), &random), Step::Idle);
    assert_eq!(changed.auto_complete_at(), Some(late), "it counts from the last change");
    let mut done = short_lived("PT2M");
    complete(&mut done, "2026-03-01T08:01:00Z");
    assert_eq!(done.begin_delivery(late, &random), Step::Idle);
    assert_eq!(done.completed_by, Some(Completion::Person));
    let mut cleared = short_lived("PT2M");
    let clear = TaskPatch { auto_complete_after: Some(None), ..none(Some(Vec::new())) };
    cleared.apply(clear, None, early, &random).expect("a valid patch");
    assert_eq!(cleared.timer(), None);
}

#[test]
fn an_automatic_completion_is_between_a_second_and_a_year_away() {
    for (text, code) in [
        ("PT0S", "out_of_range"),
        ("P1Y1D", "out_of_range"),
        ("P2Y", "out_of_range"),
        ("-PT5M", "invalid_duration"),
        ("2 minutes", "invalid_duration"),
        ("", "invalid_duration"),
        ("PT0.5S", "invalid_duration"),
        ("P99999999999Y", "invalid_duration"),
    ] {
        assert_eq!(AutoComplete::parse(text).expect_err(text).code, code, "{text}");
    }
    for text in ["PT1S", "P1Y", "P12M", "P366D", "P1DT2H3M4S"] {
        let read = AutoComplete::parse(text).expect(text);
        assert_eq!(AutoComplete::parse(&read.to_string()), Ok(read));
    }
}

#[test]
fn a_stored_rule_is_the_one_that_was_parsed() {
    for text in
        ["FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10", "FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20301231", "freq=daily"]
    {
        assert_eq!(Rule::parse_trusted(text).unwrap(), Rule::parse(text).unwrap(), "{text}");
    }
    assert!(Rule::parse_trusted("FREQ=WEEKLY;BYDAY").is_err());
    // A combination that an earlier version took is still read.
    assert!(Rule::parse("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO").is_err());
    for old in ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "FREQ=DAILY;BYMONTH=", "FREQ=DAILY;BYHOUR=+9"] {
        assert!(Rule::parse(old).is_err() && Rule::parse_trusted(old).is_ok(), "{old}");
    }
}
