//! What creating and changing a task does to it and to its reminders.

use jiff::Timestamp;
use proptest::prelude::*;
use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome, Reason},
    due::Due,
    recurrence::Rule,
    reminder::{LeadTime, ReminderSpec},
    task::{Priority, Status, Step, Task, TaskPatch},
    text::{Category, Description, Tag, Title},
    user::User,
    zone::Zone,
};
use taskbell_test::{
    SeededRandom,
    fixtures::{draft, due_draft, instant, now, task, user},
};

fn patch(task: &mut Task, patch: TaskPatch) -> bool {
    task.apply(patch, Some(&user(1)), now(), &SeededRandom::new(99)).expect("a valid patch").changed
}

fn due(text: &str) -> Option<Option<Due>> {
    Some(Some(Due::parse(text).expect("a due time")))
}

fn status(status: Status) -> TaskPatch {
    TaskPatch { status: Some(status), ..TaskPatch::default() }
}

fn states(task: &Task) -> Vec<(DeliveryStatus, Option<Reason>)> {
    task.reminders.iter().map(|r| (r.delivery.status, r.delivery.reason)).collect()
}

const SCHEDULED: (DeliveryStatus, Option<Reason>) = (DeliveryStatus::Scheduled, None);

#[test]
fn a_due_task_without_reminders_of_its_own_gets_the_users_defaults() {
    let mut wanted = due_draft("t", "2026-03-02T09:00:00Z", &[]);
    wanted.reminders = None;
    assert_eq!(task(1, &user(1), wanted).timer().expect("a timer").at, instant("2026-03-02T08:30:00Z"));
    let none = task(1, &user(1), due_draft("t", "2026-03-02T09:00:00Z", &[]));
    assert_eq!(none.timer(), None, "an empty list means none");
    assert_eq!(task(1, &user(1), draft("t")).timer(), None, "no due time, no defaults");
}

#[test]
fn a_reminder_whose_moment_has_passed_is_skipped_and_says_so() {
    let made = task(1, &user(1), due_draft("t", "2026-03-01T08:10:00Z", &["PT30M", "PT5M"]));
    assert_eq!(states(&made), [(DeliveryStatus::Skipped, Some(Reason::PastWhenSet)), SCHEDULED]);
    assert_eq!(made.timer().expect("a timer").at, instant("2026-03-01T08:05:00Z"));
}

#[test]
fn two_reminders_at_the_same_moment_are_refused() {
    let ada = user(1);
    let twice = due_draft("t", "2026-03-02T09:00:00Z", &["PT60M", "PT1H"]);
    let random = SeededRandom::new(1);
    let id = task(1, &ada, draft("t")).id;
    let space = taskbell_domain::id::SpaceId::personal(ada.id);
    let refused = Task::create(id, space, twice, &ada, now(), &random).expect_err("refused");
    assert_eq!((refused.field.as_str(), refused.code), ("reminders[1]", "duplicate"));
}

#[test]
fn defaults_that_ring_at_the_same_moment_are_one_reminder() {
    let mut ada = user(1);
    ada.default_reminders = ["PT24H", "P1D"]
        .map(|lead| ReminderSpec::Before(LeadTime::parse(lead).expect("a lead")))
        .into();
    let mut wanted = due_draft("t", "2026-03-05T09:00:00Z", &[]);
    wanted.reminders = None;
    assert_eq!(task(1, &ada, wanted).reminders.len(), 1);
}

#[test]
fn a_reminder_counted_from_a_due_time_needs_one() {
    let mut undue = task(1, &user(1), draft("t"));
    let before = undue.clone();
    let wanted = vec![ReminderSpec::Before(LeadTime::parse("PT5M").expect("a lead"))];
    let patch = TaskPatch { reminders: Some(wanted), ..TaskPatch::default() };
    let refused = undue
        .apply(patch, Some(&user(1)), now(), &SeededRandom::new(1))
        .expect_err("there is no due time");
    assert_eq!((refused.field.as_str(), refused.code), ("reminders[0]", "needs_due"));
    assert_eq!(undue, before);
}

#[test]
fn moving_the_due_time_moves_the_reminders_and_keeps_those_at_times_of_their_own() {
    let mut moved = task(1, &user(1), due_draft("t", "2026-03-02T09:00:00Z", &["PT1H"]));
    let own = ReminderSpec::parse_at("2026-03-02T07:00:00Z").expect("a time");
    let mut wanted: Vec<_> = moved.reminders.iter().map(|r| r.spec.clone()).collect();
    wanted.push(own.clone());
    patch(&mut moved, TaskPatch { reminders: Some(wanted), ..TaskPatch::default() });
    let own_id = moved.reminders[1].id;
    patch(&mut moved, TaskPatch { due: due("2026-03-05T09:00:00Z"), ..TaskPatch::default() });
    assert_eq!(moved.reminders[0].delivery.fire_at, instant("2026-03-05T08:00:00Z"));
    assert_eq!((moved.reminders[1].id, moved.reminders[1].spec.clone()), (own_id, own));
    // Without a due time, what was counted from it goes.
    patch(&mut moved, TaskPatch { due: Some(None), ..TaskPatch::default() });
    assert_eq!(moved.reminders.iter().map(|r| r.id).collect::<Vec<_>>(), [own_id]);
    assert_eq!(moved.due_at, None);
}

#[test]
fn a_first_due_time_brings_the_default_reminders() {
    let mut undue = task(1, &user(1), draft("t"));
    patch(&mut undue, TaskPatch { due: due("2026-03-02T09:00:00Z"), ..TaskPatch::default() });
    assert_eq!(undue.timer().expect("a timer").at, instant("2026-03-02T08:30:00Z"));
}

#[test]
fn completing_skips_what_has_not_rung_and_reopening_brings_it_back() {
    let mut done = task(1, &user(1), due_draft("t", "2026-03-01T10:00:00Z", &["PT1H", "PT10M"]));
    let before = done.clone();
    assert!(patch(&mut done, status(Status::Completed)));
    let skipped = (DeliveryStatus::Skipped, Some(Reason::TaskCompleted));
    assert_eq!((states(&done), done.timer()), (vec![skipped, skipped], None));
    assert_eq!(done.completed_at, Some(now()));
    assert!(!patch(&mut done, status(Status::Completed)), "completing twice changes nothing");

    let later = instant("2026-03-01T09:30:00Z");
    done.apply(status(Status::Pending), None, later, &SeededRandom::new(1)).expect("a valid patch");
    assert_eq!(states(&done), [skipped, SCHEDULED], "what would have rung meanwhile stays skipped");
    assert_eq!(done.reminders[1].id, before.reminders[1].id);
    assert_eq!(done.completed_at, None);
}

#[test]
fn a_reminder_that_was_sent_stays_in_the_ledger_when_the_task_moves_on() {
    let mut moved = task(1, &user(1), due_draft("t", "2026-03-01T09:00:00Z", &["PT1H"]));
    let Step::Send(claim) = moved.begin_delivery(now(), &SeededRandom::new(3)) else {
        panic!("it is due")
    };
    assert!(moved.finish_delivery(claim, &Outcome::Accepted("m".to_owned()), now()));
    patch(&mut moved, TaskPatch { due: due("2026-03-08T09:00:00Z"), ..TaskPatch::default() });
    assert_eq!(states(&moved), [SCHEDULED]);
    assert_eq!(moved.archived_reminders[0].delivery.status, DeliveryStatus::Sent);
}

#[test]
fn a_task_keeps_the_zone_of_its_due_time_until_that_is_set_again() {
    let (berlin, tokyo) =
        (user(1), User { time_zone: Zone::parse("Asia/Tokyo").expect("a zone"), ..user(1) });
    let mut draft = due_draft("t", "2026-03-27", &["PT0S"]);
    draft.recurrence = Some(Rule::parse("FREQ=DAILY").expect("a rule"));
    let mut kept = task(1, &berlin, draft);
    let random = SeededRandom::new(1);
    let mut apply = |patch: TaskPatch| {
        kept.apply(patch, Some(&tokyo), now(), &random).map(|change| (kept.clone(), change))
    };
    let moments = |task: &Task| {
        let of = |at: Option<Timestamp>| at.expect("a moment").to_string();
        (of(task.due_at), of(task.reminders.last().map(|reminder| reminder.delivery.fire_at)))
    };
    let moments_are = |task: &Task, due_at: &str, rings: &str| {
        assert_eq!(moments(task), (due_at.to_owned(), rings.to_owned()));
    };

    // What does not touch the due time: a name, other reminders, a rule.
    let title = Some(Title::parse("u").expect("a title"));
    let (renamed, _) = apply(TaskPatch { title, ..TaskPatch::default() }).expect("valid");
    moments_are(&renamed, "2026-03-27T22:59:59Z", "2026-03-27T08:00:00Z");
    let day_before = ReminderSpec::Before(LeadTime::days(1));
    let reminders = Some(vec![day_before]);
    let (reminded, _) = apply(TaskPatch { reminders, ..TaskPatch::default() }).expect("valid");
    moments_are(&reminded, "2026-03-27T22:59:59Z", "2026-03-26T08:00:00Z");

    // The series goes on in its zone, across a change of its clocks.
    let (done, change) = apply(status(Status::Completed)).expect("valid");
    let next = *change.next.expect("another occurrence");
    moments_are(&next, "2026-03-28T22:59:59Z", "2026-03-27T08:00:00Z");
    let after =
        next.clone().apply(status(Status::Completed), None, now(), &random).expect("valid").next;
    moments_are(&after.expect("another occurrence"), "2026-03-29T21:59:59Z", "2026-03-28T08:00:00Z");

    // The same due time, said anew, is one of the zone that its user is in now.
    let mut set_again = next;
    let again = TaskPatch { due: Some(set_again.due.clone()), ..TaskPatch::default() };
    assert!(set_again.apply(again, Some(&tokyo), now(), &random).expect("valid").changed);
    moments_are(&set_again, "2026-03-28T14:59:59Z", "2026-03-27T00:00:00Z");
    assert_eq!(done.time_zone, berlin.time_zone);
}

proptest! {
    /// RFC 7396: what a patch does not name stays; an empty patch changes nothing.
    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else(
        title in proptest::option::of("[a-z]{1,5}"),
        description in proptest::option::of("[a-z]{0,5}"),
        category in proptest::option::of(proptest::option::of("[a-z]{1,5}")),
        tags in proptest::option::of(proptest::collection::vec("[a-z]{1,3}", 0..3)),
        priority in proptest::option::of(0..4_usize),
        due in proptest::option::of(proptest::option::of(Just("2026-04-01T09:00:00Z"))),
    ) {
        let mut full = due_draft("zzz", "2026-03-02T09:00:00Z", &["PT1H"]);
        full.category = Some(Category::parse("zzz").expect("a category"));
        let before = task(1, &user(1), full);
        let mut after = before.clone();
        let wanted = TaskPatch {
            title: title.as_deref().map(|t| Title::parse(t).expect("a title")),
            description: description.as_deref().map(|d| Description::parse(d).expect("a text")),
            status: None,
            priority: priority.map(|index| Priority::ALL[index]),
            category: category.as_ref().map(|c| c.as_ref().map(|c| Category::parse(c).expect("a text"))),
            tags: tags.as_ref().map(|t| t.iter().map(|t| Tag::parse(t).expect("a tag")).collect()),
            due: due.map(|due| due.map(|due| Due::parse(due).expect("a due time"))),
            reminders: None,
            ..TaskPatch::default()
        };
        let changed = patch(&mut after, wanted.clone());
        prop_assert_eq!(after.version, before.version + u64::from(changed));
        prop_assert_eq!(&after.title, wanted.title.as_ref().unwrap_or(&before.title));
        prop_assert_eq!(&after.description, wanted.description.as_ref().unwrap_or(&before.description));
        prop_assert_eq!(after.priority, wanted.priority.unwrap_or(before.priority));
        prop_assert_eq!(&after.category, wanted.category.as_ref().unwrap_or(&before.category));
        prop_assert_eq!(&after.tags, wanted.tags.as_ref().unwrap_or(&before.tags));
        prop_assert_eq!(&after.due, wanted.due.as_ref().unwrap_or(&before.due));
        if wanted.due.is_none() {
            prop_assert_eq!(&after.reminders, &before.reminders);
        }
        prop_assert_eq!(after.status, before.status);
        let again = patch(&mut after, wanted);
        prop_assert!(!again, "the same patch twice changes nothing");
    }
}

#[test]
fn nothing_rings_for_a_completed_task_because_a_snooze_ends() {
    let random = SeededRandom::new(3);
    let mut done = task(1, &user(1), due_draft("Ring", "2026-03-02T09:00:00Z", &["PT0S", "PT30M"]));
    done.snooze(instant("2026-03-05T00:00:00Z"), now(), &random).expect("a snooze");
    let complete = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    done.apply(complete, None, now(), &random).expect("a valid patch");
    let specs = done.reminders.iter().map(|r| r.spec.clone());
    let wanted: Vec<_> = specs.filter(|spec| matches!(spec, ReminderSpec::Before(_))).collect();
    let remind = TaskPatch { reminders: Some(wanted), ..TaskPatch::default() };
    done.apply(remind, None, now(), &random).expect("a valid patch");
    let waits = |r: &&taskbell_domain::reminder::Reminder| r.delivery.next_at.is_some();
    assert_eq!(done.reminders.iter().find(waits), None);
    assert_eq!(done.timer(), None);
    let reopen = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    done.apply(reopen, None, now(), &random).expect("a valid patch");
    assert_eq!(done.reminders.iter().filter(waits).count(), 2, "reopened, it rings again");
}
