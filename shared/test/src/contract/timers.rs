//! Timers.

use crate::fixtures::{due_draft, instant, notification, now, task, user};
use jiff::Timestamp;
use taskbell_domain::{
    id::TaskId,
    notification::NotificationKind,
    ports::*,
    task::LastWrite,
    timer::{Timer, TimerTarget},
};

use super::{MAX_PAGES, Store, create};

/// Timers are found in order up to a time, each in its shard, and change with their task.
pub async fn timers_are_found_up_to_a_time_and_change_with_their_task(store: &impl Store) {
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

    // A timer that is postponed beyond the time is not found. A stale postponement has no effect.
    let first = expected.remove(0);
    store.postpone(first, instant("2026-03-01T10:00:00Z")).await.expect("an answer");
    store.postpone(first, instant("2026-03-01T09:05:00Z")).await.expect("an answer");
    store.postpone(Timer { at: now(), ..expected[0] }, now()).await.expect("an answer");
    assert_eq!(found().await, expected);
    let last_write = async |timer| {
        let task = store.task(task_of(timer)).await.expect("an answer").expect("the task");
        (task.revision, task.last_write)
    };
    assert_eq!(last_write(first).await, (1, LastWrite::Delivery));
    assert_eq!(last_write(expected[0]).await, (1, LastWrite::Edit), "it was not postponed");

    // Deleting the task or removing its reminders removes the timer in the same write.
    let deleted = expected.remove(0);
    assert_eq!(
        store.delete(task_of(deleted), 1, false, None).await.expect("an answer"),
        Replaced::Stored
    );
    let silent = expected.remove(0);
    let mut task = store.task(task_of(silent)).await.expect("an answer").expect("the task");
    task.reminders.clear();
    task.revision = 2;
    assert_eq!(
        store.replace(&task, 1, AtomicExtras::default()).await.expect("an answer"),
        Replaced::Stored
    );
    store.postpone(deleted, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(
        store.task(task_of(deleted)).await.expect("an answer"),
        None,
        "postponing must not create it again"
    );
    assert_eq!(found().await, expected);
}

/// Every timer of a shard is found once, also if more than one page of them is due at the same time.
pub async fn a_shard_with_more_timers_than_one_page_is_read_completely(store: &impl Store) {
    let ada = user(1);
    let mut expected = Vec::new();
    for number in 0..10_000_u64 {
        let made = notification(number, NotificationKind::Verification { to: ada.id });
        let timer = made.timer().expect("a timer");
        if timer.target.jitter_seed() % TIMER_SHARDS == 3 {
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
    // A page starts after any of them.
    for index in [0, 99, 100, 248] {
        let page = store.timers(3, now(), Some(expected[index])).await.expect("a page");
        assert_eq!(page.timers.first(), expected.get(index + 1));
    }
    let last = store.timers(3, now(), expected.last().copied()).await.expect("a page");
    assert_eq!((last.timers, last.next), (Vec::new(), None));
}

/// The timers of one shard up to a time, page by page, and the number of pages.
async fn timers_of(store: &impl Store, shard: u8, until: Timestamp) -> (Vec<Timer>, usize) {
    let (mut found, mut after) = (Vec::new(), None);
    for number in 1..=MAX_PAGES {
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

/// The timers of all shards up to a time.
pub(super) async fn timers_until(store: &impl Store, until: Timestamp) -> Vec<Timer> {
    let mut found = Vec::new();
    for shard in 0..TIMER_SHARDS {
        found.extend(timers_of(store, shard, until).await.0);
    }
    found.sort();
    found
}

fn task_of(timer: Timer) -> TaskId {
    match timer.target {
        TimerTarget::Task(id) => id,
        TimerTarget::Notification(_) | TimerTarget::Digest(_) => panic!("it belongs to a task"),
    }
}
