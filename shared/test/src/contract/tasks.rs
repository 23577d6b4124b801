//! Tasks, what is made of them once, and lists.

use crate::SeededRandom;
use crate::fixtures::{NOW, comment, draft, due_draft, instant, notification, now, space, task, user};
use taskbell_domain::{
    checklist::ChecklistItemInput,
    delivery::Feedback,
    due_days::DueDays,
    id::SpaceId,
    list::{Position, Scope, Sort, SortBy, TaskFilter, TaskQuery},
    notification::NotificationKind,
    ports::*,
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    search::SearchTerm,
    statistics::{Contribution, Counter, CounterGroup, CounterGroups, Counters},
    task::{Completion, Priority, Status, Task},
    text::{Category, ItemTitle, Tag, Title},
    timer::{Timer, TimerTarget},
};

use super::{Store, create, register};

/// A task comes back with every field, alone and together with a profile.
pub async fn a_task_is_read_back_whole(store: &impl Store) {
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
    store.record_contribution(&Contribution::of(&stored)).await.expect("an answer");
    let numbers = store.numbers(stored.space).await.expect("an answer");
    assert_eq!(numbers[&Counter::All], 1);
    let all = store.task_user_and_numbers(stored.id, ada.id).await.expect("an answer");
    assert_eq!(all, (Some(stored.clone()), Some(ada.clone()), numbers.clone()));
    let both = store.user_and_numbers(ada.id, stored.space).await.expect("an answer");
    assert_eq!(both, (Some(ada.clone()), numbers));
    let other = task(2, &user(2), draft("x"));
    let none = store.task_user_and_numbers(other.id, user(2).id).await.expect("an answer");
    assert_eq!(none, (None, None, Counters::new()));
    let neither = store.user_and_numbers(user(2).id, other.space).await.expect("an answer");
    assert_eq!(neither, (None, Counters::new()));
}

/// A task is replaced and deleted only at the version that was read, and the refusal shows the present one.
pub async fn a_task_changes_only_at_the_version_that_was_read(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let new = Task { version: 2, ..old.clone() };
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
        "gone"
    );
    assert_eq!(
        store.replace(&new, 2, AtomicExtras::default()).await.expect("an answer"),
        Replaced::Conflict(None)
    );
    assert_eq!(store.task(new.id).await.expect("an answer"), None);
}

/// The occurrence that a completion makes is stored together with the completed one, or not at all.
pub async fn a_completion_and_the_next_occurrence_are_stored_together(store: &impl Store) {
    let ada = user(1);
    let first = task(1, &ada, draft("first"));
    create(store, &first).await;
    let done = Task { version: 2, status: Status::Completed, ..first.clone() };
    let with = |next| AtomicExtras { next: Some(next), ..AtomicExtras::default() };
    let (second, third) = (task(2, &ada, draft("second")), task(3, &ada, draft("third")));
    assert_eq!(store.replace(&done, 1, with(&second)).await.expect("an answer"), Replaced::Stored);
    let late = store.replace(&done, 1, with(&third)).await.expect("an answer");
    assert_eq!(late, Replaced::Conflict(Some(Box::new(done))));
    assert_eq!(store.task(second.id).await.expect("an answer"), Some(second));
    assert_eq!(store.task(third.id).await.expect("an answer"), None);
}

/// An idempotency key creates one task, until its record expires.
pub async fn an_idempotency_key_creates_one_task(store: &impl Store) {
    let ada = user(1);
    let (first, second) = (task(1, &ada, draft("one")), task(2, &ada, draft("two")));
    let made = store.create(&first, Some(&record("k", &first, NOW)), None).await.expect("an answer");
    assert_eq!(made, Created::Stored);
    let again = store.create(&second, Some(&record("k", &second, NOW)), None).await.expect("an answer");
    assert_eq!(again, Created::Replayed(record("k", &first, NOW)));
    assert_eq!(store.task(second.id).await.expect("an answer"), None);
    let later = record("k", &second, "2026-03-02T08:00:00Z");
    let expired = store.create(&second, Some(&later), None).await.expect("an answer");
    assert_eq!(expired, Created::Stored);
}

/// What a key has done is done once: a change and a deletion leave their records, and nothing happens where
/// there is one.
pub async fn a_change_with_a_key_is_made_once(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let (change, delete) = (record("change", &old, NOW), record("delete", &old, NOW));
    let hashes = || vec!["change".repeat(8), "delete".repeat(8), "none".repeat(8)];
    assert_eq!(store.records(ada.id, hashes(), now()).await.expect("an answer"), []);
    let new = Task { version: 2, ..old.clone() };
    let also = |record| AtomicExtras { record: Some(record), ..AtomicExtras::default() };
    assert_eq!(store.replace(&new, 1, also(&change)).await.expect("an answer"), Replaced::Stored);
    let newer = Task { version: 3, ..old.clone() };
    let stale = store.replace(&newer, 1, also(&delete)).await.expect("an answer");
    assert_eq!(stale, Replaced::Conflict(Some(Box::new(new.clone()))));
    let twice = store.replace(&newer, 2, also(&change)).await.expect_err("the key is used");
    assert!(twice.transient);
    assert!(store.delete(old.id, 2, false, Some(&change)).await.is_err());
    assert_eq!(store.task(old.id).await.expect("an answer"), Some(new));
    let gone = store.delete(old.id, 2, false, Some(&delete)).await.expect("an answer");
    assert_eq!(gone, Replaced::Stored);
    let mut found = store.records(ada.id, hashes(), now()).await.expect("an answer");
    found.sort_by(|a, b| a.key_hash.cmp(&b.key_hash));
    assert_eq!(found, [change, delete]);
    let later = instant("2026-03-02T08:00:00Z");
    assert_eq!(store.records(ada.id, hashes(), later).await.expect("an answer"), []);
}

/// Whatever is made under a key is made once: a space, a comment, a notification.
pub async fn whatever_is_made_under_a_key_is_made_once(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let of = task(1, &ada, draft("one"));
    create(store, &of).await;
    let record = |key| record(key, &of, NOW);
    let used = |key| Created::Replayed(record(key));
    for (number, expected) in [(1, Created::Stored), (2, used("space"))] {
        let (space, owner) = space(number, &ada);
        let created = store.create_space(&space, &owner, None, Some(&record("space"))).await;
        assert_eq!(created.expect("an answer"), Some(expected.clone()));
        let found = store.space(space.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Stored);
    }
    for (number, expected) in [(1, Created::Stored), (2, used("comment"))] {
        let comment = comment(number, &of, &ada);
        let created = store.add_comment(&comment, Some(&record("comment"))).await;
        assert_eq!(created.expect("an answer"), Commented::Created(expected.clone()));
        let found = store.comment(of.id, comment.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Stored);
    }
    for (number, expected) in [(1, Created::Stored), (2, used("notification"))] {
        let content = NotificationKind::Assignment { to: ada.id, task: of.id, by: ada.id };
        let notification = notification(number, content);
        let created = store.add_notification(&notification, Some(&record("notification"))).await;
        assert_eq!(created.expect("an answer"), expected);
        let found = store.notification(notification.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Stored);
    }
}

fn record(key: &str, task: &Task, at: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        user: task.created_by,
        key_hash: key.repeat(8),
        body_hash: "b".repeat(64),
        resource_id: task.id.to_string(),
        status: 201,
        created_at: instant(at),
        expires_at: instant(at) + jiff::SignedDuration::from_hours(24),
    }
}

/// Every order, with every filter, page by page, gives the tasks that a plain sort and filter give.
pub async fn lists_are_sorted_filtered_and_paged(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let mut all = Vec::new();
    for number in 0..150_u64 {
        let due = (number % 4 != 0).then(|| format!("2026-03-{:02}", 1 + number * 7 % 28));
        let mut made = match &due {
            Some(due) => due_draft("t", due, &[]),
            None => draft("t"),
        };
        made.priority = Priority::ALL[number as usize % 4];
        made.status = Status::ALL[number as usize % 3];
        made.category = (number % 5 == 0).then(|| Category::parse("home").expect("a category"));
        made.tags = (number % 6 == 0).then(|| Tag::parse("x").expect("a tag")).into_iter().collect();
        let words = ["Ring", "ring the BELL", "Élan", "elan vital", "鐘", "Ring"];
        made.title = Title::parse(words[number as usize % 6]).expect("a title");
        let mut made = task(100 + number, &ada, made);
        made.updated_at = now() + jiff::SignedDuration::from_secs((number * 31 % 40) as i64);
        create(store, &made).await;
        all.push(made);
    }
    create(store, &task(999, &eve, draft("not yours"))).await;
    let filters = [
        TaskFilter::default(),
        TaskFilter { status: Some(Status::Pending), ..TaskFilter::default() },
        TaskFilter { status: Some(Status::Completed), ..TaskFilter::default() },
        TaskFilter { priority: Some(Priority::High), ..TaskFilter::default() },
        TaskFilter {
            category: Some(Category::parse("home").expect("a category")),
            ..TaskFilter::default()
        },
        TaskFilter { tag: Some(Tag::parse("x").expect("a tag")), ..TaskFilter::default() },
        TaskFilter { open: true, ..TaskFilter::default() },
        TaskFilter { search: Some(SearchTerm::parse("ÉL").expect("words")), ..TaskFilter::default() },
        TaskFilter {
            open: true,
            status: Some(Status::Completed),
            search: Some(SearchTerm::parse("ring").expect("words")),
            ..TaskFilter::default()
        },
        TaskFilter {
            open: true,
            due_before: Some(instant("2026-03-15T00:00:00Z")),
            search: Some(SearchTerm::parse("bell").expect("words")),
            ..TaskFilter::default()
        },
        {
            // Its instants say nothing about the days that tasks name.
            let [first, end] = ["2026-03-08", "2026-03-16"].map(|day| day.parse().expect("a day"));
            let instants = (None, instant("2026-04-01T00:00:00Z"));
            let mut filter = TaskFilter::default();
            filter.due_on(DueDays { days: (Some(first), end), instants });
            filter
        },
        TaskFilter { due_before: Some(instant("2026-03-15T00:00:00Z")), ..TaskFilter::default() },
        TaskFilter { due_after: Some(instant("2026-03-15T00:00:00Z")), ..TaskFilter::default() },
        TaskFilter {
            status: Some(Status::InProgress),
            priority: Some(Priority::Low),
            due_after: Some(instant("2026-03-03T22:59:59Z")),
            due_before: Some(instant("2026-03-24T22:59:59Z")),
            ..TaskFilter::default()
        },
    ];
    for by in [SortBy::Due, SortBy::Created, SortBy::Priority, SortBy::Updated, SortBy::Title] {
        for descending in [false, true] {
            for filter in &filters {
                let mut expected: Vec<_> = all.iter().filter(|t| filter.admits(t)).collect();
                expected.sort_by_key(|t| Position::of(t, by));
                if descending {
                    expected.reverse();
                }
                for limit in [3, 100] {
                    let query = TaskQuery {
                        scope: Scope::Space(SpaceId::personal(ada.id)),
                        filter: filter.clone(),
                        sort: Sort { by, descending },
                        limit,
                        after: None,
                    };
                    let found = walk(store, query.clone()).await;
                    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
                }
            }
        }
    }
}

/// What is assigned to somebody is found across spaces, by due time, and only while it is assigned to them.
pub async fn assigned_tasks_are_found_across_spaces(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (shared, _) = space(1, &eve);
    let mut mine = Vec::new();
    for number in 0..12_u64 {
        let due = format!("2026-03-{:02}", 20 - number);
        let mut made = task(number, &ada, due_draft("t", &due, &[]));
        made.status = Status::ALL[number as usize % 3];
        made.space = if number % 2 == 0 { shared.id } else { made.space };
        made.assigned_to = (number % 4 != 3).then_some(if number % 4 == 2 { eve.id } else { ada.id });
        create(store, &made).await;
        mine.extend((made.assigned_to == Some(ada.id)).then_some(made));
    }
    let query = |filter| TaskQuery {
        scope: Scope::AssignedTo(ada.id),
        filter,
        sort: Sort::DEFAULT,
        limit: 2,
        after: None,
    };
    mine.sort_by_key(|task| Position::of(task, SortBy::Due));
    assert_eq!(walk(store, query(TaskFilter::default())).await, mine);
    for filter in [
        TaskFilter { status: Some(Status::Pending), ..TaskFilter::default() },
        TaskFilter { status: Some(Status::Completed), ..TaskFilter::default() },
        TaskFilter { space: Some(shared.id), ..TaskFilter::default() },
    ] {
        let expected: Vec<_> = mine.iter().filter(|task| filter.admits(task)).cloned().collect();
        assert_eq!(walk(store, query(filter)).await, expected);
    }
    let mut taken = mine[0].clone();
    (taken.assigned_to, taken.version) = (None, 2);
    store.replace(&taken, 1, AtomicExtras::default()).await.expect("an answer");
    assert_eq!(walk(store, query(TaskFilter::default())).await, mine[1..]);
}

/// A list goes on behind the position of any of its tasks. Behind one that cannot be in it, it does not: that is an
/// error which does not pass, as DynamoDB refuses start keys outside the key condition.
pub async fn a_list_goes_on_only_behind_a_place_in_it(store: &impl Store) {
    let ada = user(1);
    let mut all = Vec::new();
    for number in 0..12_u64 {
        let due = format!("2026-03-{:02}", 1 + number);
        let mut made = task(number, &ada, due_draft(&format!("t{}", number % 5), &due, &[]));
        (made.assigned_to, made.status) = (Some(ada.id), Status::ALL[number as usize % 2]);
        create(store, &made).await;
        all.push(made);
    }
    let (from, to) = (instant("2026-03-04T00:00:00Z"), instant("2026-03-09T00:00:00Z"));
    let within = TaskFilter { due_after: Some(from), due_before: Some(to), ..TaskFilter::default() };
    let urgent = TaskFilter { priority: Some(Priority::Medium), ..within.clone() };
    let open = TaskFilter { open: true, ..within.clone() };
    for scope in [Scope::Space(SpaceId::personal(ada.id)), Scope::AssignedTo(ada.id)] {
        for by in [SortBy::Due, SortBy::Priority, SortBy::Title, SortBy::Updated, SortBy::Created] {
            for filter in [&TaskFilter::default(), &within, &urgent, &open] {
                for descending in [false, true] {
                    if by != SortBy::Due && matches!(scope, Scope::AssignedTo(_)) {
                        continue;
                    }
                    let (sort, filter) = (Sort { by, descending }, filter.clone());
                    let query = TaskQuery { scope, filter, sort, limit: 100, after: None };
                    let whole = walk(store, query.clone()).await;
                    assert!(whole.len() > 1, "{query:?}");
                    for (index, task) in whole.iter().enumerate() {
                        let after = Some(query.position(task));
                        let rest = walk(store, TaskQuery { after, ..query.clone() }).await;
                        assert_eq!(rest, whole[index + 1..], "{query:?}");
                    }
                    let other =
                        if query.key() == SortBy::Title { SortBy::Created } else { SortBy::Title };
                    let mut outside = vec![Position::of(&all[0], other)];
                    if query.is_bounded_by_due() && query.filter.due_after.is_some() {
                        outside.extend([&all[0], &all[11]].map(|task| query.position(task)));
                    }
                    for after in outside {
                        let query = TaskQuery { after: Some(after), ..query.clone() };
                        let refused = store.list(&query).await.expect_err("it is outside");
                        assert!(!refused.transient, "{query:?}");
                    }
                }
            }
        }
    }
    let tag = CounterGroup::Tag(Tag::parse("x").expect("a tag"));
    for (of, after) in [
        (CounterGroups::Categories, tag),
        (CounterGroups::Tags, CounterGroup::Tasks),
        (CounterGroups::DueUntil(date("2026-03-01")), CounterGroup::Due(date("2026-03-02"))),
        (
            CounterGroups::CompletedSince(date("2026-03-02")),
            CounterGroup::Completed(date("2026-03-01")),
        ),
    ] {
        let space = SpaceId::personal(ada.id);
        let refused =
            store.counter_groups(space, of, Some(after), Some(1)).await.expect_err("it is outside");
        assert!(!refused.transient, "{of:?}");
    }
    let elsewhere = Some(("eve@example.com".to_owned(), ada.id));
    assert!(!store.users("ada", elsewhere, 1).await.expect_err("it is outside").transient);
    let timer = Timer { at: to, subject: TimerTarget::Task(all[0].id) };
    let shard = timer.subject.jitter_seed() % TIMER_SHARDS;
    for (shard, until) in [(shard, from), ((shard + 1) % TIMER_SHARDS, to)] {
        let refused = store.timers(shard, until, Some(timer)).await.expect_err("it is outside");
        assert!(!refused.transient);
    }
}

fn date(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

/// Walks all pages, and checks that they fit together.
async fn walk(store: &impl Store, mut query: TaskQuery) -> Vec<Task> {
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let page = store.list(&query).await.expect("a page");
        assert!(page.items.len() <= usize::from(query.limit));
        all.extend(page.items);
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
    panic!("the list has no end");
}
