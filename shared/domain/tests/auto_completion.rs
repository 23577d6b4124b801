//! Tasks that complete themselves.

use taskbell_domain::{
    delivery::{Outcome, Reason},
    due::Due,
    recurrence::{AutoComplete, Rule},
    task::{Completion, Status, Step, Task, TaskPatch},
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

fn complete(task: &mut Task, at: &str) -> Option<Box<Task>> {
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    task.apply(patch, None, instant(at), &SeededRandom::new(8)).expect("a valid patch").next
}

fn short_lived(after: &str) -> Task {
    let mut wanted = due_draft("t", "2026-03-01T08:02:00Z", &["PT1M", "PT0S"]);
    wanted.auto_complete_after = Some(AutoComplete::parse(after).expect("a duration"));
    task(1, &user(1), wanted)
}

/// A series without reminders whose tasks complete themselves.
fn completing(text: &str, start: &str, after: &str) -> Task {
    let mut wanted = due_draft("t", start, &[]);
    wanted.recurrence = Some(rule(text));
    wanted.auto_complete_after = Some(AutoComplete::parse(after).expect("a duration"));
    task(1, &user(1), wanted)
}

#[test]
fn a_task_completes_itself_after_its_reminders_were_sent() {
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
fn an_automatic_completion_skips_later_reminders() {
    let mut short = short_lived("PT30S");
    let at = instant("2026-03-01T08:00:30Z");
    assert_eq!(short.begin_delivery(at, &SeededRandom::new(7)), Step::Completed(None));
    assert!(short.reminders.iter().all(|r| r.delivery.reason == Some(Reason::TaskCompleted)));
}

#[test]
fn a_series_that_completes_itself_continues_in_the_future() {
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
    // Completed by a user, a series does not leave any occurrence out.
    let mut daily = completing("FREQ=DAILY", "2026-02-01", "PT1S");
    assert_eq!(complete(&mut daily, "2026-03-01T09:00:00Z").unwrap().due, Some(due("2026-02-02")));
}

#[test]
fn a_series_with_more_than_24_occurrences_per_day_cannot_complete_itself() {
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
        let created = Task::create(task(1, &ada, draft("t")).id, space, wanted, &ada, now(), &random);
        assert_eq!(created.err().map(|error| error.code), (most > 24).then_some("too_dense"), "{text}");
    }
}

#[test]
fn the_automatic_completion_of_an_occurrence_counts_from_its_due_time() {
    let mut hourly = short_lived("PT30S");
    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=HOURLY"))), ..TaskPatch::default() };
    hourly.apply(patch, None, now(), &SeededRandom::new(6)).expect("a valid patch");
    let at = instant("2026-03-01T08:02:30Z");
    assert_eq!(hourly.auto_complete_at(), Some(at), "not before it is due");
    hourly.reminders.clear();
    let Step::Completed(Some(next)) = hourly.begin_delivery(at, &SeededRandom::new(7)) else {
        panic!("the completion is due")
    };
    assert_eq!(next.auto_complete_at(), Some(instant("2026-03-01T09:02:30Z")));

    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=MINUTELY"))), ..TaskPatch::default() };
    let refused = short_lived("PT1S").apply(patch, None, now(), &SeededRandom::new(6));
    assert_eq!(refused.expect_err("refused").code, "too_dense");
}

#[test]
fn a_change_postpones_an_automatic_completion_and_a_completion_cancels_it() {
    let random = SeededRandom::new(6);
    let (early, late) = (instant("2026-03-01T08:01:00Z"), instant("2026-03-01T08:03:00Z"));
    let none = |reminders| TaskPatch { reminders, ..TaskPatch::default() };
    let mut changed = short_lived("PT2M");
    changed.apply(none(Some(Vec::new())), None, early, &random).expect("a valid patch");
    assert_eq!(changed.begin_delivery(instant("2026-03-01T08:02:59Z"), &random), Step::Idle);
    assert_eq!(changed.auto_complete_at(), Some(late), "counts from the last change");
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
fn an_automatic_completion_is_set_to_between_a_second_and_a_year() {
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
