//! Tasks.

use crate::SeededRandom;
use crate::fixtures::{draft, due_draft, instant, now, task, user};
use taskbell_domain::{
    checklist::ChecklistItemInput,
    delivery::Feedback,
    ports::*,
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    statistics::{Contribution, Counter, Counters},
    task::{Completion, Priority, Status, Task},
    text::{Category, ItemTitle, Tag},
};

use super::{Store, create, record_one, register};

/// A task is read back with all fields, alone and together with a profile and counters.
pub async fn a_task_is_read_back_with_all_fields(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let mut full = due_draft("Ring the bell", "2026-03-29T02:30[Europe/Berlin]", &["PT30M", "P1D"]);
    full.category = Some(Category::parse("Tower").expect("a category"));
    full.tags = vec![Tag::parse("bell").expect("a tag"), Tag::parse("höhe").expect("a tag")];
    full.priority = Priority::Urgent;
    full.recurrence = Some(Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule"));
    full.recurrence_from = Some(RecurrenceFrom::Completion);
    full.checklist = ["Climb", "Pull"]
        .iter()
        .map(|title| ChecklistItemInput {
            id: None,
            title: ItemTitle::parse(title).expect("a title"),
            done: *title == "Pull",
        })
        .collect();
    full.auto_complete_after = Some(AutoComplete::parse("P1DT2M").expect("a duration"));
    let mut stored = task(1, &ada, full);
    stored.snooze(instant("2026-03-02T08:00:00Z"), now(), &SeededRandom::new(9)).expect("it is open");
    let delivery = &mut stored.reminders[0].delivery;
    (delivery.message_id, delivery.uncertain_attempts) = (Some("m-1".to_owned()), 2);
    delivery.feedback = Some(Feedback::Bounced);
    stored.archived_reminders.push(stored.reminders[1].clone());
    stored.next_occurrence = Some(task(2, &ada, draft("next")).id);
    stored.completed_by = Some(Completion::Timer);
    create(store, &stored).await;
    assert_eq!(store.task(stored.id).await.expect("an answer"), Some(stored.clone()));
    record_one(store, &Contribution::of(&stored)).await.expect("an answer");
    let counters = store.counters(stored.space).await.expect("an answer");
    assert_eq!(counters[&Counter::All], 1);
    let other = task(2, &user(2), draft("x"));
    assert_eq!(store.task(other.id).await.expect("an answer"), None);
    assert_eq!(store.counters(other.space).await.expect("an answer"), Counters::new());
}

/// A task is replaced and deleted only at the expected revision. A conflict contains the stored task.
pub async fn a_task_is_replaced_and_deleted_only_at_the_expected_revision(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let new = Task { revision: 2, ..old.clone() };
    assert_eq!(
        store.replace(&new, 1, AtomicExtras::default()).await.expect("an answer"),
        Replaced::Stored
    );
    let conflict = Replaced::Conflict(Some(Box::new(new.clone())));
    assert_eq!(store.replace(&new, 1, AtomicExtras::default()).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 1, false, None).await.expect("an answer"), conflict);
    assert_eq!(store.delete(new.id, 2, false, None).await.expect("an answer"), Replaced::Stored);
    assert_eq!(
        store.delete(new.id, 2, false, None).await.expect("an answer"),
        Replaced::Stored,
        "deleted already"
    );
    assert_eq!(
        store.replace(&new, 2, AtomicExtras::default()).await.expect("an answer"),
        Replaced::Conflict(None)
    );
    assert_eq!(store.task(new.id).await.expect("an answer"), None);
}

/// The next occurrence of a series is stored together with the completed one, or not at all.
pub async fn a_completion_and_the_next_occurrence_are_stored_together(store: &impl Store) {
    let ada = user(1);
    let first = task(1, &ada, draft("first"));
    create(store, &first).await;
    let done = Task { revision: 2, status: Status::Completed, ..first.clone() };
    let with = |next| AtomicExtras { next: Some(next), ..AtomicExtras::default() };
    let (second, third) = (task(2, &ada, draft("second")), task(3, &ada, draft("third")));
    assert_eq!(store.replace(&done, 1, with(&second)).await.expect("an answer"), Replaced::Stored);
    let late = store.replace(&done, 1, with(&third)).await.expect("an answer");
    assert_eq!(late, Replaced::Conflict(Some(Box::new(done))));
    assert_eq!(store.task(second.id).await.expect("an answer"), Some(second));
    assert_eq!(store.task(third.id).await.expect("an answer"), None);
}

/// A task is imported unless one with its id exists, which stays as it is.
pub async fn a_task_is_imported_unless_it_exists(store: &impl Store) {
    let ada = user(1);
    let first = task(1, &ada, draft("first"));
    assert_eq!(store.import_task(&first).await.expect("an answer"), Imported::Created);
    let other = Task { title: task(2, &ada, draft("other")).title, ..first.clone() };
    assert_eq!(store.import_task(&other).await.expect("an answer"), Imported::Exists);
    assert_eq!(store.task(first.id).await.expect("an answer"), Some(first));
}
