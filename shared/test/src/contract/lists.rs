//! Lists: order, filters, pages and start positions.

use crate::fixtures::{draft, due_draft, instant, now, space, task, user};
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    due_days::DueDays,
    id::SpaceId,
    list::{Position, Scope, Sort, SortBy, TaskFilter, TaskQuery},
    ports::*,
    search::SearchTerm,
    statistics::{CounterGroup, CounterGroups},
    task::{Priority, Status, Task},
    text::{Category, Tag, Title},
    timer::{Timer, TimerTarget},
};

use super::{Store, create};

/// For every order and filter, the pages contain the tasks that sorting and filtering in memory gives.
pub async fn lists_are_sorted_filtered_and_paged(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let mut all = Vec::new();
    for number in 0..150_u64 {
        let due = (number % 4 != 0).then(|| format!("2026-03-{:02}", 1 + number * 7 % 28));
        let mut made = match &due {
            Some(due) => due_draft("t", due, &["PT30M"]),
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
        // Lists contain no state of deliveries.
        if let Some(reminder) = made.reminders.first_mut() {
            reminder.delivery.end(DeliveryStatus::Failed, Some(Reason::Refused));
            made.archived_reminders.push(reminder.clone());
        }
        create(store, &made).await;
        all.push(made.listed());
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
            // The range of instants is wider than the days: only the days decide.
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
                    let found = all_pages(store, query.clone()).await;
                    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
                }
            }
        }
    }
}

/// Assigned tasks are found across spaces, by due time, only while they are assigned to the user.
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
        mine.extend((made.assigned_to == Some(ada.id)).then_some(made.listed()));
    }
    let query = |filter| TaskQuery {
        scope: Scope::AssignedTo(ada.id),
        filter,
        sort: Sort::DEFAULT,
        limit: 2,
        after: None,
    };
    mine.sort_by_key(|task| Position::of(task, SortBy::Due));
    assert_eq!(all_pages(store, query(TaskFilter::default())).await, mine);
    for filter in [
        TaskFilter { status: Some(Status::Pending), ..TaskFilter::default() },
        TaskFilter { status: Some(Status::Completed), ..TaskFilter::default() },
        TaskFilter { space: Some(shared.id), ..TaskFilter::default() },
    ] {
        let expected: Vec<_> = mine.iter().filter(|task| filter.admits(task)).cloned().collect();
        assert_eq!(all_pages(store, query(filter)).await, expected);
    }
    let mut taken = mine[0].clone();
    (taken.assigned_to, taken.revision) = (None, 2);
    store.replace(&taken, 1, AtomicExtras::default()).await.expect("an answer");
    assert_eq!(all_pages(store, query(TaskFilter::default())).await, mine[1..]);
}

/// A list continues after the position of any of its tasks. A position outside the list is a permanent error, since DynamoDB
/// refuses start keys outside the key condition.
pub async fn a_list_starts_only_after_a_position_inside_it(store: &impl Store) {
    let ada = user(1);
    let mut all = Vec::new();
    for number in 0..12_u64 {
        let due = format!("2026-03-{:02}", 1 + number);
        let mut made = task(number, &ada, due_draft(&format!("t{}", number % 5), &due, &[]));
        (made.assigned_to, made.status) = (Some(ada.id), Status::ALL[number as usize % 2]);
        // Lists contain no state of deliveries.
        if let Some(reminder) = made.reminders.first_mut() {
            reminder.delivery.end(DeliveryStatus::Failed, Some(Reason::Refused));
            made.archived_reminders.push(reminder.clone());
        }
        create(store, &made).await;
        all.push(made.listed());
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
                    let whole = all_pages(store, query.clone()).await;
                    assert!(whole.len() > 1, "{query:?}");
                    for (index, task) in whole.iter().enumerate() {
                        let after = Some(query.position(task));
                        let rest = all_pages(store, TaskQuery { after, ..query.clone() }).await;
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
                        let refused = store.list(&query).await.expect_err("it is outside the list");
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
        let refused = store
            .counter_groups(space, of, Some(after), Some(1))
            .await
            .expect_err("it is outside the list");
        assert!(!refused.transient, "{of:?}");
    }
    let without_prefix = Some(("eve@example.com".to_owned(), ada.id));
    assert!(
        !store.users("ada", without_prefix, 1).await.expect_err("it is outside the list").transient
    );
    let timer = Timer { at: to, target: TimerTarget::Task(all[0].id) };
    let shard = timer.target.jitter_seed() % TIMER_SHARDS;
    for (shard, until) in [(shard, from), ((shard + 1) % TIMER_SHARDS, to)] {
        let refused =
            store.timers(shard, until, Some(timer)).await.expect_err("it is outside the list");
        assert!(!refused.transient);
    }
}

fn date(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

/// Reads all pages of a list.
async fn all_pages(store: &impl Store, mut query: TaskQuery) -> Vec<Task> {
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
