//! Comments, notifications, timers, and what is counted.

use crate::{
    SeededRandom,
    fixtures::{comment, draft, due_draft, instant, notification, now, task, user},
};
use jiff::Timestamp;
use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome},
    digest::Digest,
    id::{SpaceId, TaskId},
    notification::{NotificationKind, NotificationStep},
    one_time_code::Purpose,
    ports::*,
    statistics::{Contribution, Counter, CounterGroup, CounterGroups, Counters, Counts},
    task::{Status, Task, TaskPatch},
    text::{Category, CommentText, Tag},
    timer::{Timer, TimerTarget},
    user::User,
};

use super::{Store, create, register};

/// Comments come in the order in which they were made, page by page, change alone, and go with their task.
pub async fn comments_are_paged_changed_and_deleted_with_their_task(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let (mine, other) = (task(1, &ada, draft("t")), task(2, &ada, draft("t")));
    create(store, &mine).await;
    create(store, &other).await;
    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), false));
    let mut all: Vec<_> = (0..7).map(|number| comment(number, &mine, &eve)).collect();
    for one in &all {
        assert_eq!(
            store.add_comment(one, None).await.expect("an answer"),
            Commented::Created(Created::Stored)
        );
    }
    let kept = comment(9, &other, &eve);
    assert_eq!(
        store.add_comment(&kept, None).await.expect("an answer"),
        Commented::Created(Created::Stored)
    );
    all.sort_by_key(|comment| comment.id);
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..5 {
        let page = store.comments(mine.id, after, 3).await.expect("a page");
        assert!(page.items.len() <= 3);
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    let mut edited = all[0].clone();
    assert!(edited.edit(CommentText::parse("Else").expect("a text"), now()));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), Replaced::Stored);
    let conflict = Replaced::Conflict(Some(Box::new(edited.clone())));
    assert_eq!(store.replace_comment(&edited, 1).await.expect("an answer"), conflict);
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), Some(edited.clone()));
    store.delete_comment(mine.id, edited.id).await.expect("an answer");
    assert_eq!(store.comment(mine.id, edited.id).await.expect("an answer"), None);
    assert_eq!(store.replace_comment(&edited, 2).await.expect("an answer"), Replaced::Conflict(None));

    assert_eq!(store.task_and_comments(mine.id).await.expect("an answer"), (Some(mine.clone()), true));
    assert_eq!(store.delete(mine.id, 1, true, None).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.comments(mine.id, None, 100).await.expect("a page").items, []);
    let gone = store.add_comment(&all[2], None).await.expect("an answer");
    assert_eq!(gone, Commented::NoTask, "its task is gone");
    assert_eq!(store.comments(other.id, None, 100).await.expect("a page").items, [kept]);
}

/// A notification keeps its contents, has a timer until it is done with, and changes at the version that was read.
pub async fn a_notification_is_read_back_whole_and_has_a_timer(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let made = task(1, &ada, draft("t"));
    let told = notification(1, NotificationKind::Assignment { to: ada.id, task: made.id, by: eve.id });
    assert_eq!(store.create(&made, None, Some(&told)).await.expect("an answer"), Created::Stored);
    assert_eq!(store.notification(told.id).await.expect("an answer"), Some(told.clone()));
    let mut next = Task { version: 2, ..made.clone() };
    next.assigned_to = Some(eve.id);
    let assigned =
        notification(2, NotificationKind::Assignment { to: eve.id, task: made.id, by: ada.id });
    let also = AtomicExtras { notification: Some(&assigned), ..AtomicExtras::default() };
    assert_eq!(store.replace(&next, 1, also).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.notification(assigned.id).await.expect("an answer"), Some(assigned.clone()));

    let timers = async || timers_until(store, now()).await;
    assert_eq!(timers().await.len(), 2);
    let timer = assigned.timer().expect("a timer");
    store.postpone(timer, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(timers().await, [told.timer().expect("a timer")]);
    for (number, content) in [
        NotificationKind::Verification { to: ada.id },
        NotificationKind::Code {
            to: ada.id,
            purpose: Purpose::PasswordReset,
            secret_hash: Some("h".to_owned()),
        },
        NotificationKind::Code { to: ada.id, purpose: Purpose::Operator, secret_hash: None },
    ]
    .into_iter()
    .enumerate()
    {
        let mut other = notification(10 + number as u64, content);
        other.delivery.next_at = None;
        other.delivery.status = DeliveryStatus::Sent;
        assert_eq!(store.add_notification(&other, None).await.expect("an answer"), Created::Stored);
        assert_eq!(store.notification(other.id).await.expect("an answer"), Some(other));
    }
    let mut sent = told.clone();
    let NotificationStep::Send(fence) = sent.begin_delivery(now()) else { panic!("it is due") };
    sent.finish_delivery(fence, &Outcome::Accepted("m-1".to_owned()), now());
    assert_eq!(store.replace_notification(&sent, 1).await.expect("an answer"), Replaced::Stored);
    let conflict = Replaced::Conflict(Some(Box::new(sent.clone())));
    assert_eq!(store.replace_notification(&sent, 1).await.expect("an answer"), conflict);
    assert_eq!(timers().await, []);
}

/// A digest is made by moving it, changes at the version that was read, and has a timer while there is a next one.
pub async fn a_digest_moves_with_the_profile_and_changes_with_its_notification(store: &impl Store) {
    let mut ada = user(1);
    register(store, &ada).await;
    assert_eq!(store.digest(ada.id).await.expect("an answer"), None);
    let subject = TimerTarget::Digest(ada.id);
    let first = Timer { at: instant("2026-03-01T09:00:00Z"), subject };
    ada.version = 2;
    assert_eq!(store.replace_user(&ada, 1, Some(first)).await.expect("an answer"), Replaced::Stored);
    let mut digest = Digest::new(ada.id, Some(first.at), 1);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    let timers = async || timers_until(store, instant("2026-03-09T09:00:00Z")).await;
    assert_eq!(timers().await, [first]);
    let later = instant("2026-03-01T09:10:00Z");
    store.postpone(first, later).await.expect("an answer");
    assert_eq!(timers().await, [Timer { at: later, subject }]);

    let day = "2026-03-01".parse().expect("a day");
    let told = notification(1, NotificationKind::Digest { to: ada.id, day });
    digest.version = 2;
    digest.last_run_date = Some(day);
    digest.at = Some(instant("2026-03-02T09:00:00Z"));
    let replaced = store.replace_digest(&digest, 1, Some(&told)).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    assert_eq!(store.notification(told.id).await.expect("an answer"), Some(told));
    let other = notification(2, NotificationKind::Digest { to: ada.id, day });
    let conflict = Replaced::Conflict(Some(Box::new(digest.clone())));
    assert_eq!(store.replace_digest(&digest, 1, Some(&other)).await.expect("an answer"), conflict);
    assert_eq!(store.notification(other.id).await.expect("an answer"), None);

    // A profile that has changed meanwhile moves nothing.
    let refused = store.replace_user(&User { version: 3, ..ada.clone() }, 1, Some(first)).await;
    assert_eq!(refused.expect("an answer"), Replaced::Conflict(Some(Box::new(ada.clone()))));
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    // Moved, it still knows for which day it was made last.
    ada.version = 3;
    assert_eq!(store.replace_user(&ada, 2, Some(first)).await.expect("an answer"), Replaced::Stored);
    digest = Digest { at: Some(first.at), version: 3, ..digest };
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    digest = Digest { at: None, version: 4, ..digest };
    assert_eq!(store.replace_digest(&digest, 3, None).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest));
    let left: Vec<_> = timers().await.into_iter().filter(|timer| timer.subject == subject).collect();
    assert_eq!(left, []);
}

/// The most pages of anything here: a cursor that does not move must not keep a test for ever.
const PAGES: usize = 1_000;

/// The timers of one shard up to a moment, page by page, and how many pages those were.
async fn timers_of(store: &impl Store, shard: u8, until: Timestamp) -> (Vec<Timer>, usize) {
    let (mut found, mut after) = (Vec::new(), None);
    for number in 1..=PAGES {
        let page = store.timers(shard, until, after).await.expect("a page");
        found.extend(page.timers);
        after = page.next;
        if after.is_none() {
            assert!(found.is_sorted());
            return (found, number);
        }
    }
    panic!("the timers have no end");
}

/// The timers of all shards up to a moment.
async fn timers_until(store: &impl Store, until: Timestamp) -> Vec<Timer> {
    let mut found = Vec::new();
    for shard in 0..TIMER_SHARDS {
        found.extend(timers_of(store, shard, until).await.0);
    }
    found.sort();
    found
}

/// However many timers of a shard are due at the same moment, each is found once.
pub async fn a_shard_with_more_timers_than_a_page_holds_is_read_to_its_end(store: &impl Store) {
    let ada = user(1);
    let mut expected = Vec::new();
    for number in 0..10_000_u64 {
        let made = notification(number, NotificationKind::Verification { to: ada.id });
        let timer = made.timer().expect("a timer");
        if timer.subject.jitter_seed() % TIMER_SHARDS == 3 {
            assert_eq!(store.add_notification(&made, None).await.expect("an answer"), Created::Stored);
            expected.push(timer);
        }
        if expected.len() == 250 {
            break;
        }
    }
    expected.sort();
    let (found, _) = timers_of(store, 3, now()).await;
    assert_eq!(found, expected);
    // From any of them on, the rest.
    for place in [0, 99, 100, 248] {
        let page = store.timers(3, now(), Some(expected[place])).await.expect("a page");
        assert_eq!(page.timers.first(), expected.get(place + 1));
    }
    let last = store.timers(3, now(), expected.last().copied()).await.expect("a page");
    assert_eq!((last.timers, last.next), (Vec::new(), None));
}

fn task_of(timer: Timer) -> TaskId {
    match timer.subject {
        TimerTarget::Task(id) => id,
        TimerTarget::Notification(_) | TimerTarget::Digest(_) => panic!("it belongs to a task"),
    }
}

/// Timers are found in order up to a moment, each in its shard, and move with their task.
pub async fn timers_are_found_until_a_moment_and_move_with_their_task(store: &impl Store) {
    let ada = user(1);
    let mut expected = Vec::new();
    for number in 0..20_u64 {
        let due = format!("2026-03-01T09:{number:02}:00Z");
        let made = task(number, &ada, due_draft("t", &due, &["PT0S"]));
        create(store, &made).await;
        expected.extend(made.timer());
    }
    let until = instant("2026-03-01T09:14:00Z");
    let found = async || timers_until(store, until).await;
    expected.truncate(15);
    assert_eq!(found().await, expected);

    // Postponed beyond the moment it is not found; a stale postponement changes nothing.
    let first = expected.remove(0);
    store.postpone(first, instant("2026-03-01T10:00:00Z")).await.expect("an answer");
    store.postpone(first, instant("2026-03-01T09:05:00Z")).await.expect("an answer");
    store.postpone(Timer { at: now(), ..expected[0] }, now()).await.expect("an answer");
    assert_eq!(found().await, expected);

    // Deleting the task, or taking its reminders, takes its timer along in the same write.
    let gone = expected.remove(0);
    assert_eq!(store.delete(task_of(gone), 1, false, None).await.expect("an answer"), Replaced::Stored);
    let silent = expected.remove(0);
    let mut task = store.task(task_of(silent)).await.expect("an answer").expect("the task");
    task.reminders.clear();
    task.version = 2;
    assert_eq!(
        store.replace(&task, 1, AtomicExtras::default()).await.expect("an answer"),
        Replaced::Stored
    );
    store.postpone(gone, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(store.task(task_of(gone)).await.expect("an answer"), None, "it must not come back");
    assert_eq!(found().await, expected);
}

async fn counted(store: &impl Store, space: SpaceId, of: CounterGroups) -> Counts {
    counter_groups(store, space, of, None).await.into_iter().collect()
}

/// All counter_groups, page by page.
async fn counter_groups(
    store: &impl Store,
    space: SpaceId,
    of: CounterGroups,
    limit: Option<u8>,
) -> Vec<(CounterGroup, Counters)> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = store.counter_groups(space, of, after, limit).await.expect("an answer");
        assert!(limit.is_none_or(|limit| page.items.len() <= limit.into()));
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
    panic!("the counter_groups have no end");
}

/// Pages of three hold everything once, in order, whether or not the last one is full.
pub async fn pages_of_three_hold_everything_once(store: &impl Store) {
    for many in [5, 6, 7_u64] {
        let author = user(many);
        let of = task(1_000 * many, &author, draft("t"));
        create(store, &of).await;
        let mut expected: Vec<_> =
            (0..many).map(|number| comment(100 * many + number, &of, &author)).collect();
        for one in &expected {
            assert_eq!(
                store.add_comment(one, None).await.expect("an answer"),
                Commented::Created(Created::Stored)
            );
        }
        expected.sort_by_key(|comment| comment.id);
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..4 {
            let page = store.comments(of.id, after, 3).await.expect("a page");
            assert!(page.items.len() == 3 || page.next.is_none(), "only the last page is short");
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found, after), (expected, None), "{many} comments");

        let mut tagged = of.clone();
        tagged.version = 2;
        let tag = |number| Tag::parse(&format!("t{number}")).expect("a tag");
        tagged.tags = (0..many).map(tag).collect();
        store.record_contribution(&Contribution::of(&tagged)).await.expect("an answer");
        let found = counter_groups(store, of.space, CounterGroups::Tags, Some(3)).await.into_iter();
        let found: Vec<_> = found.map(|(group, _)| group).collect();
        assert_eq!(found, (0..many).map(|number| CounterGroup::Tag(tag(number))).collect::<Vec<_>>());
    }

    let mut expected = Vec::new();
    for number in 20..29 {
        register(store, &user(number)).await;
        expected.push(user(number).id);
    }
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..5 {
        let page = store.users("user2", after, 3).await.expect("a page");
        assert!(page.items.len() == 3 || page.next.is_none(), "only the last page is short");
        found.extend(page.items.iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, after), (expected, None));
}

/// A task is counted as it is now: once, however often and in which order it is told.
pub async fn a_task_is_counted_once_as_it_is_now(store: &impl Store) {
    let ada = user(1);
    let mut first = task(1, &ada, due_draft("one", "2026-03-02T09:20:00Z", &["PT1H", "PT2H"]));
    first.category = Some(Category::parse("home").expect("a category"));
    first.tags = vec![Tag::parse("a").expect("a tag"), Tag::parse("b#c").expect("a tag")];
    let space = first.space;
    let all = async |of| counted(store, space, of).await;
    let tags = |tags: &[(&str, &[(Counter, i64)])]| -> Counts {
        let tag = |tag| CounterGroup::Tag(Tag::parse(tag).expect("a tag"));
        tags.iter().map(|(name, numbers)| (tag(name), numbers.iter().copied().collect())).collect()
    };
    let day = |day: &str| day.parse().expect("a day");
    let one_open = [(Counter::All, 1), (Counter::Open, 1)];
    for _ in 0..2 {
        store.record_contribution(&Contribution::of(&first)).await.expect("an answer");
    }
    let total = Counters::from([(Counter::All, 1), (Counter::Open, 1), (Counter::Reminders, 2)]);
    assert_eq!(store.numbers(space).await.expect("an answer"), total);
    assert_eq!(all(CounterGroups::Tags).await, tags(&[("a", &one_open), ("b#c", &one_open)]));
    let due = Counters::from([(Counter::All, 1), (Counter::Quarter(37), 1)]);
    let due = Counts::from([(CounterGroup::Due(day("2026-03-02")), due)]);
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-02"))).await, due);
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-01"))).await, Counts::new());

    let mut done = first.clone();
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    done.apply(patch, None, instant("2026-03-01T08:30:00Z"), &SeededRandom::new(1)).expect("a change");
    done.tags.pop();
    store.record_contribution(&Contribution::of(&done)).await.expect("an answer");
    store.record_contribution(&Contribution::of(&first)).await.expect("an answer"); // late
    assert_eq!(all(CounterGroups::Tags).await, tags(&[("a", &[(Counter::All, 1)])]));
    assert_eq!(all(CounterGroups::DueUntil(day("2026-03-31"))).await, Counts::new());
    let completed = all(CounterGroups::CompletedSince(day("2026-03-01"))).await;
    let numbers = &completed[&CounterGroup::Completed(day("2026-03-01"))];
    assert_eq!((numbers[&Counter::All], numbers[&Counter::Quarter(34)]), (1, 1));
    assert_eq!(all(CounterGroups::CompletedSince(day("2026-03-02"))).await, Counts::new());

    // Every tag is another one: more than one transaction holds.
    let many =
        |first: usize| (first..first + 50).map(|n| Tag::parse(&format!("t{n:03}")).expect("a tag"));
    for (version, tags) in [(10, many(100)), (11, many(200))] {
        (done.version, done.tags) = (version, tags.collect());
        store.record_contribution(&Contribution::of(&done)).await.expect("an answer");
    }
    let page =
        store.counter_groups(space, CounterGroups::Tags, None, Some(30)).await.expect("an answer");
    let rest =
        store.counter_groups(space, CounterGroups::Tags, page.next, Some(30)).await.expect("an answer");
    let found = page.items.iter().chain(&rest.items).map(|(group, _)| group.clone());
    let found: Vec<_> = found.collect();
    assert_eq!(found, many(200).map(CounterGroup::Tag).collect::<Vec<_>>());

    store.record_contribution(&Contribution::removed(&done)).await.expect("an answer");
    store.record_contribution(&Contribution::removed(&done)).await.expect("an answer");
    assert_eq!(store.numbers(space).await.expect("an answer"), Counters::new());
    for of in [
        CounterGroups::Tags,
        CounterGroups::Categories,
        CounterGroups::CompletedSince(day("2000-01-01")),
    ] {
        assert_eq!(all(of).await, Counts::new(), "{of:?}");
    }
}
