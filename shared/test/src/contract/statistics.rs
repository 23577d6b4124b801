//! Statistics.

use crate::{
    SeededRandom,
    fixtures::{draft, due_draft, instant, task, user},
};
use taskbell_domain::{
    id::SpaceId,
    statistics::{Contribution, Counter, CounterGroup, CounterGroups, Counters, GroupCounters},
    task::{Status, TaskPatch},
    text::{Category, Tag},
    user::User,
};

use super::{MAX_PAGES, Store, record_one};

/// Tasks that are recorded together are counted as if each were recorded alone: new, changed, deleted and outdated ones.
pub async fn tasks_are_counted_together_as_each_by_itself(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (together, alone) = (SpaceId::personal(ada.id), SpaceId::personal(eve.id));
    let rounds = |owner: &User, round: u64| -> Vec<Contribution> {
        let numbers = (0..120_u64).filter(|number| number % (round + 1) == 0);
        let of = numbers.map(|number| {
            let due = format!("2026-03-{:02}", 1 + (number + round) % 20);
            let mut one = task(number, owner, due_draft("t", &due, &["PT1H"]));
            one.space = SpaceId::personal(owner.id);
            one.id = task(number + if owner.id == eve.id { 1_000 } else { 0 }, owner, draft("t")).id;
            one.tags = vec![Tag::parse(&format!("t{}", (number + round) % 7)).expect("a tag")];
            one.version = if number % 5 == 0 { 3 - round } else { round + 1 };
            match number % 11 {
                10 if round > 0 => Contribution::removed(&one),
                _ => Contribution::of(&one),
            }
        });
        of.collect()
    };
    for round in 0..3 {
        store.record_contributions(&rounds(&ada, round)).await.expect("an answer");
        for one in rounds(&eve, round) {
            record_one(store, &one).await.expect("an answer");
        }
        for of in [CounterGroups::Tags, CounterGroups::DueUntil("2026-04-01".parse().expect("a day"))] {
            assert_eq!(counted(store, together, of).await, counted(store, alone, of).await);
        }
        let total = store.counters(together).await.expect("an answer");
        assert_eq!(total, store.counters(alone).await.expect("an answer"));
        assert!(total[&Counter::All] > 50, "{total:?}");
    }
}

/// A task is counted once, in its latest version, however often and in which order its versions are recorded.
pub async fn a_task_is_counted_once_in_its_latest_version(store: &impl Store) {
    let ada = user(1);
    let mut first = task(1, &ada, due_draft("one", "2026-03-02T09:20:00Z", &["PT1H", "PT2H"]));
    first.category = Some(Category::parse("home").expect("a category"));
    first.tags = vec![Tag::parse("a").expect("a tag"), Tag::parse("b#c").expect("a tag")];
    let space = first.space;
    let all = async |of| counted(store, space, of).await;
    let tags = |tags: &[(&str, &[(Counter, i64)])]| -> GroupCounters {
        let tag = |tag| CounterGroup::Tag(Tag::parse(tag).expect("a tag"));
        tags.iter().map(|(name, counters)| (tag(name), counters.iter().copied().collect())).collect()
    };
    let day = |day: &str| day.parse().expect("a day");
    let one_open = [(Counter::All, 1), (Counter::Open, 1)];
    for _ in 0..2 {
        record_one(store, &Contribution::of(&first)).await.expect("an answer");
    }
    let total = Counters::from([(Counter::All, 1), (Counter::Open, 1), (Counter::Reminders, 2)]);
    assert_eq!(store.counters(space).await.expect("an answer"), total);
    assert_eq!(all(CounterGroups::Tags).await, tags(&[("a", &one_open), ("b#c", &one_open)]));
    let due = Counters::from([(Counter::All, 1), (Counter::Quarter(37), 1)]);
    let due = GroupCounters::from([(CounterGroup::Due(day("2026-03-02")), due)]);
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-02"))).await, due);
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-01"))).await, GroupCounters::new());

    let mut done = first.clone();
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    done.apply(patch, None, instant("2026-03-01T08:30:00Z"), &SeededRandom::new(1)).expect("a change");
    done.tags.pop();
    record_one(store, &Contribution::of(&done)).await.expect("an answer");
    record_one(store, &Contribution::of(&first)).await.expect("an answer"); // late
    assert_eq!(all(CounterGroups::Tags).await, tags(&[("a", &[(Counter::All, 1)])]));
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-31"))).await, GroupCounters::new());
    let completed = all(CounterGroups::CompletedSince(day("2026-03-01"))).await;
    let counters = &completed[&CounterGroup::Completed(day("2026-03-01"))];
    assert_eq!((counters[&Counter::All], counters[&Counter::Quarter(34)]), (1, 1));
    assert_eq!(all(CounterGroups::CompletedSince(day("2026-03-02"))).await, GroupCounters::new());

    // All tags change: more than one transaction can hold.
    let many =
        |first: usize| (first..first + 50).map(|n| Tag::parse(&format!("t{n:03}")).expect("a tag"));
    for (version, tags) in [(10, many(100)), (11, many(200))] {
        (done.version, done.tags) = (version, tags.collect());
        record_one(store, &Contribution::of(&done)).await.expect("an answer");
    }
    let page =
        store.counter_groups(space, CounterGroups::Tags, None, Some(30)).await.expect("an answer");
    let rest =
        store.counter_groups(space, CounterGroups::Tags, page.next, Some(30)).await.expect("an answer");
    let found = page.items.iter().chain(&rest.items).map(|(group, _)| group.clone());
    let found: Vec<_> = found.collect();
    assert_eq!(found, many(200).map(CounterGroup::Tag).collect::<Vec<_>>());

    record_one(store, &Contribution::removed(&done)).await.expect("an answer");
    record_one(store, &Contribution::removed(&done)).await.expect("an answer");
    assert_eq!(store.counters(space).await.expect("an answer"), Counters::new());
    for of in [
        CounterGroups::Tags,
        CounterGroups::Categories,
        CounterGroups::CompletedSince(day("2000-01-01")),
    ] {
        assert_eq!(all(of).await, GroupCounters::new(), "{of:?}");
    }
}

/// Statistics that were deleted with their space stay deleted when changes of its tasks are recorded later, one by one or
/// together: those that complete or delete a task, and those of a task that is created and deleted afterwards.
pub async fn statistics_of_a_deleted_space_stay_deleted(store: &impl Store) {
    let ada = user(1);
    let space = SpaceId::personal(ada.id);
    let tag = |tag: &str| Tag::parse(tag).expect("a tag");
    for together in [false, true] {
        let first = if together { 10 } else { 1 };
        let tasks = [0, 1, 2].map(|number| {
            let mut one =
                task(first + number, &ada, due_draft("one", "2026-03-02T09:20:00Z", &["PT1H"]));
            one.tags = (0..if number == 0 { 50 } else { 1 }).map(|n| tag(&format!("t{n}"))).collect();
            one
        });
        let all: Vec<_> = tasks.iter().map(Contribution::of).collect();
        store.record_contributions(&all).await.expect("an answer");
        assert_eq!(store.counters(space).await.expect("an answer")[&Counter::All], 3);
        store.delete_items_of(ada.id).await.expect("an answer");

        let mut late = task(first + 3, &ada, draft("late"));
        late.tags = vec![tag("t0")];
        let mut done = tasks[0].clone();
        let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
        done.apply(patch, None, instant("2026-03-01T08:30:00Z"), &SeededRandom::new(1))
            .expect("a change");
        // More groups than one transaction can change.
        done.tags = (50..100).map(|n| tag(&format!("t{n}"))).collect();
        for one in [&done, &late] {
            record_one(store, &Contribution::of(one)).await.expect("an answer");
        }
        let deleted = [&tasks[1], &tasks[2], &done, &late].map(Contribution::removed);
        match together {
            true => store.record_contributions(&deleted).await.expect("an answer"),
            false => {
                for one in deleted {
                    record_one(store, &one).await.expect("an answer");
                }
            }
        }
        assert_eq!(store.counters(space).await.expect("an answer"), Counters::new());
        // What is stored is not below zero: a new task counts as one.
        let mut next = task(first + 4, &ada, draft("next"));
        next.tags = vec![tag("t0")];
        record_one(store, &Contribution::of(&next)).await.expect("an answer");
        let one = Counters::from([(Counter::All, 1), (Counter::Open, 1)]);
        assert_eq!(store.counters(space).await.expect("an answer"), one);
        assert_eq!(
            counted(store, space, CounterGroups::Tags).await,
            GroupCounters::from([(CounterGroup::Tag(tag("t0")), one)])
        );
        record_one(store, &Contribution::removed(&next)).await.expect("an answer");
    }
}

async fn counted(store: &impl Store, space: SpaceId, of: CounterGroups) -> GroupCounters {
    counter_groups(store, space, of, None).await.into_iter().collect()
}

/// All counter groups of a kind, page by page.
pub(super) async fn counter_groups(
    store: &impl Store,
    space: SpaceId,
    of: CounterGroups,
    limit: Option<u8>,
) -> Vec<(CounterGroup, Counters)> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = store.counter_groups(space, of, after, limit).await.expect("an answer");
        assert!(limit.is_none_or(|limit| page.items.len() <= limit.into()));
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
    panic!("the counter groups have no end");
}
