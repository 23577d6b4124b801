//! Creating and changing a task, and the effect on its reminders.

use jiff::Timestamp;
use proptest::prelude::*;
use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome, Reason},
    due::Due,
    id::SpaceId,
    recurrence::Rule,
    reminder::{LeadTime, ReminderSpec},
    task::{Priority, Status, Step, Task, TaskPatch},
    text::{Category, Description, Tag, Title},
    user::User,
    zone::Zone,
};
use taskbell_test::{
    SeededRandom,
    fixtures::{NOW, draft, due_draft, instant, now, task, user},
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
fn a_task_with_a_due_time_and_no_reminders_gets_the_default_reminders() {
    let mut wanted = due_draft("t", "2026-03-02T09:00:00Z", &[]);
    wanted.reminders = None;
    assert_eq!(task(1, &user(1), wanted).timer().expect("a timer").at, instant("2026-03-02T08:30:00Z"));
    let none = task(1, &user(1), due_draft("t", "2026-03-02T09:00:00Z", &[]));
    assert_eq!(none.timer(), None, "an empty list means none");
    assert_eq!(task(1, &user(1), draft("t")).timer(), None, "no due time, no defaults");
}

#[test]
fn a_reminder_whose_time_has_passed_is_skipped() {
    let created = task(1, &user(1), due_draft("t", "2026-03-01T08:10:00Z", &["PT30M", "PT5M"]));
    assert_eq!(states(&created), [(DeliveryStatus::Skipped, Some(Reason::PastWhenSet)), SCHEDULED]);
    assert_eq!(created.timer().expect("a timer").at, instant("2026-03-01T08:05:00Z"));
}

#[test]
fn two_reminders_at_the_same_time_are_refused() {
    let ada = user(1);
    let twice = due_draft("t", "2026-03-02T09:00:00Z", &["PT60M", "PT1H"]);
    let random = SeededRandom::new(1);
    let id = task(1, &ada, draft("t")).id;
    let space = taskbell_domain::id::SpaceId::personal(ada.id);
    let refused = Task::create(id, space, twice, &ada, now(), &random).expect_err("refused");
    assert_eq!((refused.field.as_str(), refused.code), ("reminders[1]", "duplicate"));
}

#[test]
fn two_default_reminders_at_the_same_time_become_one() {
    let mut ada = user(1);
    ada.default_reminders = ["PT24H", "P1D"]
        .map(|lead| ReminderSpec::Before(LeadTime::parse(lead).expect("a lead time")))
        .into();
    let mut wanted = due_draft("t", "2026-03-05T09:00:00Z", &[]);
    wanted.reminders = None;
    assert_eq!(task(1, &ada, wanted).reminders.len(), 1);
}

#[test]
fn a_relative_reminder_needs_a_due_time() {
    let mut undue = task(1, &user(1), draft("t"));
    let before = undue.clone();
    let wanted = vec![ReminderSpec::Before(LeadTime::parse("PT5M").expect("a lead time"))];
    let patch = TaskPatch { reminders: Some(wanted), ..TaskPatch::default() };
    let refused = undue
        .apply(patch, Some(&user(1)), now(), &SeededRandom::new(1))
        .expect_err("there is no due time");
    assert_eq!((refused.field.as_str(), refused.code), ("reminders[0]", "needs_due"));
    assert_eq!(undue, before);
}

#[test]
fn a_new_due_time_moves_relative_reminders_and_keeps_fixed_ones() {
    let mut moved = task(1, &user(1), due_draft("t", "2026-03-02T09:00:00Z", &["PT1H"]));
    let own = ReminderSpec::parse_at("2026-03-02T07:00:00Z").expect("a time");
    let mut wanted: Vec<_> = moved.reminders.iter().map(|r| r.spec.clone()).collect();
    wanted.push(own.clone());
    patch(&mut moved, TaskPatch { reminders: Some(wanted), ..TaskPatch::default() });
    let own_id = moved.reminders[1].id;
    patch(&mut moved, TaskPatch { due: due("2026-03-05T09:00:00Z"), ..TaskPatch::default() });
    assert_eq!(moved.reminders[0].delivery.fire_at, instant("2026-03-05T08:00:00Z"));
    assert_eq!((moved.reminders[1].id, moved.reminders[1].spec.clone()), (own_id, own));
    // Clearing the due time removes relative reminders.
    patch(&mut moved, TaskPatch { due: Some(None), ..TaskPatch::default() });
    assert_eq!(moved.reminders.iter().map(|r| r.id).collect::<Vec<_>>(), [own_id]);
    assert_eq!(moved.due_at, None);
}

#[test]
fn a_first_due_time_adds_the_default_reminders() {
    let mut undue = task(1, &user(1), draft("t"));
    patch(&mut undue, TaskPatch { due: due("2026-03-02T09:00:00Z"), ..TaskPatch::default() });
    assert_eq!(undue.timer().expect("a timer").at, instant("2026-03-02T08:30:00Z"));
}

#[test]
fn completing_skips_reminders_and_reopening_schedules_them_again() {
    let mut done = task(1, &user(1), due_draft("t", "2026-03-01T10:00:00Z", &["PT1H", "PT10M"]));
    let before = done.clone();
    assert!(patch(&mut done, status(Status::Completed)));
    let skipped = (DeliveryStatus::Skipped, Some(Reason::TaskCompleted));
    assert_eq!((states(&done), done.timer()), (vec![skipped, skipped], None));
    assert_eq!(done.completed_at, Some(now()));
    assert!(!patch(&mut done, status(Status::Completed)), "completing twice changes nothing");

    let later = instant("2026-03-01T09:30:00Z");
    done.apply(status(Status::Pending), None, later, &SeededRandom::new(1)).expect("a valid patch");
    assert_eq!(states(&done), [skipped, SCHEDULED], "a reminder whose time has passed stays skipped");
    assert_eq!(done.reminders[1].id, before.reminders[1].id);
    assert_eq!(done.completed_at, None);
}

#[test]
fn a_sent_reminder_is_archived_when_the_due_time_changes() {
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
fn a_task_keeps_the_time_zone_of_its_due_time_until_it_is_set_again() {
    let (berlin, tokyo) =
        (user(1), User { time_zone: Zone::parse("Asia/Tokyo").expect("a zone"), ..user(1) });
    let mut draft = due_draft("t", "2026-03-27", &["PT0S"]);
    draft.recurrence = Some(Rule::parse("FREQ=DAILY").expect("a rule"));
    let mut kept = task(1, &berlin, draft);
    let random = SeededRandom::new(1);
    let mut apply = |patch: TaskPatch| {
        kept.apply(patch, Some(&tokyo), now(), &random).map(|change| (kept.clone(), change))
    };
    let times = |task: &Task| {
        let of = |at: Option<Timestamp>| at.expect("a time").to_string();
        (of(task.due_at), of(task.reminders.last().map(|reminder| reminder.delivery.fire_at)))
    };
    let assert_times = |task: &Task, due_at: &str, fire_at: &str| {
        assert_eq!(times(task), (due_at.to_owned(), fire_at.to_owned()));
    };

    // Changes without a due time keep the time zone.
    let title = Some(Title::parse("u").expect("a title"));
    let (renamed, _) = apply(TaskPatch { title, ..TaskPatch::default() }).expect("valid");
    assert_times(&renamed, "2026-03-27T22:59:59Z", "2026-03-27T08:00:00Z");
    let day_before = ReminderSpec::Before(LeadTime::days(1));
    let reminders = Some(vec![day_before]);
    let (reminded, _) = apply(TaskPatch { reminders, ..TaskPatch::default() }).expect("valid");
    assert_times(&reminded, "2026-03-27T22:59:59Z", "2026-03-26T08:00:00Z");

    // The next occurrence keeps it too, across a change of clocks.
    let (done, change) = apply(status(Status::Completed)).expect("valid");
    let next = *change.next.expect("a next occurrence");
    assert_times(&next, "2026-03-28T22:59:59Z", "2026-03-27T08:00:00Z");
    let after =
        next.clone().apply(status(Status::Completed), None, now(), &random).expect("valid").next;
    assert_times(&after.expect("a next occurrence"), "2026-03-29T21:59:59Z", "2026-03-28T08:00:00Z");

    // Setting the same due time again uses the current time zone of the user.
    let mut set_again = next;
    let again = TaskPatch { due: Some(set_again.due.clone()), ..TaskPatch::default() };
    assert!(set_again.apply(again, Some(&tokyo), now(), &random).expect("valid").changed);
    assert_times(&set_again, "2026-03-28T14:59:59Z", "2026-03-27T00:00:00Z");
    assert_eq!(done.time_zone, berlin.time_zone);
}

proptest! {
    /// RFC 7396: fields that are not in the patch do not change.
    #[test]
    fn a_patch_changes_only_the_fields_it_contains(
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
fn the_end_of_a_snooze_schedules_no_reminder_of_a_completed_task() {
    let random = SeededRandom::new(3);
    let mut done = task(1, &user(1), due_draft("t", "2026-03-02T09:00:00Z", &["PT0S", "PT30M"]));
    done.snooze(instant("2026-03-05T00:00:00Z"), now(), &random).expect("a snooze");
    let complete = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    done.apply(complete, None, now(), &random).expect("a valid patch");
    let specs = done.reminders.iter().map(|r| r.spec.clone());
    let wanted: Vec<_> = specs.filter(|spec| matches!(spec, ReminderSpec::Before(_))).collect();
    let remind = TaskPatch { reminders: Some(wanted), ..TaskPatch::default() };
    done.apply(remind, None, now(), &random).expect("a valid patch");
    let is_scheduled = |r: &&taskbell_domain::reminder::Reminder| r.delivery.next_at.is_some();
    assert_eq!(done.reminders.iter().find(is_scheduled), None);
    assert_eq!(done.timer(), None);
    let reopen = TaskPatch { status: Some(Status::Pending), ..TaskPatch::default() };
    done.apply(reopen, None, now(), &random).expect("a valid patch");
    assert_eq!(done.reminders.iter().filter(is_scheduled).count(), 2, "reopening schedules them again");
}

#[test]
fn each_move_of_a_task_has_its_own_time() {
    let ada = user(1);
    let mut moving = task(1, &ada, draft("one"));
    let (here, there) = (moving.space, SpaceId::personal(user(2).id));
    let mut times = Vec::new();
    for (to, at) in [(there, NOW), (here, NOW), (there, NOW), (here, "2026-03-01T09:00:00Z")] {
        assert!(moving.move_to(to, true, instant(at)));
        times.push(moving.moved_at.expect("a time").to_string());
    }
    let expected = [NOW, "2026-03-01T08:00:01Z", "2026-03-01T08:00:02Z", "2026-03-01T09:00:00Z"];
    assert_eq!(times, expected);
    let before = moving.clone();
    assert!(!moving.move_to(here, false, instant(NOW)));
    assert_eq!((moving.version, &moving), (5, &before), "it is there already");
}
