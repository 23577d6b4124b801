//! Recurring tasks: starting a series, and completing, skipping and rescheduling occurrences.

use taskbell_domain::{
    delivery::DeliveryStatus,
    due::Due,
    recurrence::{RecurrenceFrom, Rule},
    reminder::ReminderSpec,
    task::{Status, Task, TaskPatch},
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

#[test]
fn a_series_needs_a_due_time_and_an_occurrence_after_it() {
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
fn completing_an_occurrence_creates_the_next_one_once() {
    let mut first = recurring("FREQ=WEEKLY;COUNT=2", "2026-03-02T09:00[Europe/Berlin]");
    let at = ReminderSpec::parse_at("2026-03-02T07:00:00Z").expect("a time");
    let both = vec![first.reminders[0].spec.clone(), at];
    let patch = TaskPatch { reminders: Some(both), ..TaskPatch::default() };
    first.apply(patch, None, now(), &SeededRandom::new(4)).expect("a valid patch");

    let second = complete(&mut first, "2026-03-05T00:00:00Z").expect("a next occurrence");
    assert_eq!(first.next_occurrence, Some(second.id));
    assert_eq!((second.version, second.status, second.completed_at), (1, Status::Pending, None));
    assert_eq!(second.due, Some(due("2026-03-09T09:00[Europe/Berlin]")), "a week after it was due");
    assert_eq!(second.due_at, Some(instant("2026-03-09T08:00:00Z")));
    let fires: Vec<_> =
        second.reminders.iter().map(|r| (r.delivery.fire_at, r.delivery.status)).collect();
    assert_eq!(
        fires,
        [(instant("2026-03-09T07:30:00Z"), DeliveryStatus::Scheduled)],
        "the reminder that counts from the due time"
    );
    assert_ne!(second.reminders[0].id, first.reminders[0].id);

    let open = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    first.apply(open, None, now(), &SeededRandom::new(4)).expect("a valid patch");
    assert_eq!(complete(&mut first, "2026-03-06T00:00:00Z"), None, "it was created before");
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
        // Completed before it is due: after both.
        ("FREQ=WEEKLY", "2026-03-20", "2026-03-10T12:00:00Z", "2026-03-24"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "2026-04-01", "2026-03-26T12:00:00Z", "2026-05-01"),
        (
            "FREQ=DAILY",
            "2026-03-11T09:00[Europe/Berlin]",
            "2026-03-05T09:00:00Z",
            "2026-03-12T09:00[Europe/Berlin]",
        ),
        // On the day, before and after the times in the rule.
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
        let next = complete(&mut first, done).expect("a next occurrence");
        assert_eq!(next.due, Some(due(expected)), "{text}");
    }
}

#[test]
fn rescheduling_an_occurrence_does_not_move_the_next_one() {
    let mut moved = recurring("FREQ=WEEKLY", "2026-03-02");
    let to = |text| TaskPatch { due: Some(Some(due(text))), ..TaskPatch::default() };
    moved
        .apply(to("2026-03-04T18:00[Europe/Berlin]"), Some(&user(1)), now(), &SeededRandom::new(1))
        .expect("valid");
    let next = complete(&mut moved, "2026-03-04T18:00:00Z").expect("a next occurrence");
    assert_eq!(next.due, Some(due("2026-03-09")), "all day on Mondays");

    // A due time together with the rule moves the series.
    let mut anew = recurring("FREQ=WEEKLY", "2026-03-02");
    let patch = TaskPatch { recurrence: Some(Some(rule("FREQ=WEEKLY"))), ..to("2026-03-04") };
    anew.apply(patch, Some(&user(1)), now(), &SeededRandom::new(1)).expect("a valid patch");
    assert_eq!(
        complete(&mut anew, "2026-03-04T18:00:00Z").expect("a next occurrence").due,
        Some(due("2026-03-11"))
    );
}

#[test]
fn skipping_moves_the_task_to_the_next_occurrence() {
    let mut skipped = recurring("FREQ=DAILY;COUNT=3", "2026-03-02T09:00[Europe/Berlin]");
    let id = skipped.id;
    for expected in ["2026-03-03T09:00[Europe/Berlin]", "2026-03-04T09:00[Europe/Berlin]"] {
        skipped.skip(now(), &SeededRandom::new(2)).expect("a next occurrence");
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

#[test]
fn skipping_moves_past_the_occurrence_if_the_series_counts_from_completions() {
    for (text, due_time, expected) in [
        ("FREQ=WEEKLY;BYDAY=FR", "2026-03-06", "2026-03-13"),
        ("FREQ=DAILY", "2026-03-11", "2026-03-12"),
        ("FREQ=DAILY", "2026-02-01", "2026-03-02"),
    ] {
        let mut first = recurring(text, due_time);
        let patch =
            TaskPatch { recurrence_from: Some(RecurrenceFrom::Completion), ..TaskPatch::default() };
        first.apply(patch, None, now(), &SeededRandom::new(4)).expect("a valid patch");
        first.skip(now(), &SeededRandom::new(4)).expect("a next occurrence");
        assert_eq!(first.due, Some(due(expected)), "{text}");
    }
}

#[test]
fn a_completed_task_must_be_reopened_to_start_a_series() {
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
