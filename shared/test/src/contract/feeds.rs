//! Change feeds.

use crate::fixtures::{instant, now, user};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    feed::{Change, FeedEntry, Operation, RETENTION, START_OVERLAP, Subject},
    id::SpaceId,
};

use super::Store;

fn change(number: u64) -> Change {
    let operation = Operation::ALL[number as usize % 3];
    let id = format!("record {number}");
    Change { id, subject: Subject::Member(user(number).id), operation, version: number }
}

fn changes(numbers: impl IntoIterator<Item = u64>) -> Vec<Change> {
    numbers.into_iter().map(change).collect()
}

async fn append(
    store: &impl Store,
    space: SpaceId,
    changes: &[Change],
    now: Timestamp,
) -> Vec<FeedEntry> {
    let appended = store.append_changes(space, changes, now, now).await.expect("an answer");
    appended.expect("it has not ended")
}

/// All entries of a feed.
async fn whole(store: &impl Store, space: SpaceId, now: Timestamp) -> Vec<FeedEntry> {
    let mut all = Vec::<FeedEntry>::new();
    loop {
        let heads = store.feed_heads(&[space]).await.expect("an answer");
        let after = all.last().map_or(0, |entry| entry.sequence);
        if heads.get(&space).is_none_or(|head| head.sequence == after) {
            return all;
        }
        let more = store.feed_entries(space, after, 2, now).await.expect("an answer");
        all.extend(more.expect("nothing has expired"));
    }
}

/// A feed has every change once, in the order in which they were appended, whatever is received again.
pub async fn a_feed_has_every_change_once_and_in_order(store: &impl Store) {
    let (ours, other) = (SpaceId::personal(user(1).id), SpaceId::personal(user(2).id));
    assert!(store.feed_heads(&[ours, other]).await.expect("an answer").is_empty());
    let first = append(store, ours, &changes(1..4), now()).await;
    assert_eq!(first.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(append(store, ours, &changes(1..4), now()).await, [], "received again");
    // A batch that was cut off, and received again together with more, later.
    let later = now() + SignedDuration::from_hours(6);
    let second = store.append_changes(ours, &changes(2..6), now(), later).await.expect("an answer");
    let second = second.expect("it has not ended");
    assert_eq!(second.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(append(store, other, &changes([9]), later).await.len(), 1);
    // The clock of the first function was half a minute behind that of the store.
    let third = SpaceId::personal(user(3).id);
    for (behind, appended) in [(30, 1), (0, 0)] {
        let at = now() - SignedDuration::from_secs(behind);
        let found = store.append_changes(third, &changes([1]), now(), at).await.expect("an answer");
        let found = found.expect("it has not ended");
        assert_eq!(found.len(), appended);
    }
    // Many small appends.
    for number in 6..90 {
        let at = later + SignedDuration::from_secs(i64::try_from(number).expect("a number"));
        assert_eq!(append(store, ours, &changes([number]), at).await.len(), 1);
        let again = store.append_changes(ours, &changes([2, number]), now(), at).await;
        assert_eq!(again.expect("an answer"), Some(vec![]), "{number}");
    }
    let found = whole(store, ours, later).await;
    assert_eq!(
        found.iter().map(|entry| &entry.change).collect::<Vec<_>>(),
        changes(1..90).iter().collect::<Vec<_>>()
    );
    assert!(found.iter().map(|entry| entry.sequence).eq(1..90));
    let heads = store.feed_heads(&[ours, other]).await.expect("an answer");
    assert_eq!((heads[&ours].sequence, heads[&other].sequence), (89, 1));
    let tail = store.feed_entries(ours, 88, 100, later).await.expect("an answer");
    assert_eq!(tail.expect("an entry").len(), 1);
}

/// A client that starts to follow a feed starts before the entries of the last minutes.
pub async fn a_feed_is_followed_from_before_its_newest_entries(store: &impl Store) {
    let space = SpaceId::personal(user(1).id);
    let start =
        async |at: Timestamp| store.feed_heads(&[space]).await.expect("an answer")[&space].start(at);
    append(store, space, &changes(1..4), now()).await;
    assert_eq!(start(now()).await, 0);
    let later = now() + START_OVERLAP;
    assert_eq!(start(later).await, 3);
    append(store, space, &changes([4]), later).await;
    assert_eq!((start(later).await, start(later + START_OVERLAP).await), (3, 4));
    append(store, space, &changes([5]), later + START_OVERLAP / 2).await;
    assert_eq!(start(later + START_OVERLAP).await, 3);
}

/// A client that starts right after a long pause starts after the entries before the pause.
pub async fn a_feed_is_not_followed_from_before_a_long_pause(store: &impl Store) {
    let space = SpaceId::personal(user(1).id);
    let month = SignedDuration::from_hours(31 * 24);
    append(store, space, &changes(1..3), now()).await;
    append(store, space, &changes([3]), now() + month).await;
    for later in [month, month + START_OVERLAP / 2] {
        append(store, space, &changes([4]), now() + month + START_OVERLAP / 2).await;
        let at = now() + later;
        let head = store.feed_heads(&[space]).await.expect("an answer")[&space];
        assert_eq!(head.start(at), 2);
        let found = store.feed_entries(space, 2, 10, at).await.expect("an answer");
        assert_eq!(found.expect("entries").len(), 2);
    }
}

/// The entries of a feed expire, and a position before them is of no use any more.
pub async fn a_position_in_a_feed_expires_with_the_entries_after_it(store: &impl Store) {
    let space = SpaceId::personal(user(1).id);
    append(store, space, &changes(1..4), now()).await;
    append(store, space, &changes([4]), now() + SignedDuration::from_hours(1)).await;
    let at = |when: Timestamp, after| store.feed_entries(space, after, 10, when);
    let end = now() + RETENTION;
    assert_eq!(
        at(end - SignedDuration::from_secs(1), 0).await.expect("an answer").expect("entries").len(),
        4
    );
    assert_eq!(at(end, 0).await.expect("an answer"), None);
    assert_eq!(at(end, 2).await.expect("an answer"), None);
    assert_eq!(at(end, 3).await.expect("an answer").expect("an entry").len(), 1);
    assert_eq!(at(instant("2199-01-01T00:00:00Z"), 3).await.expect("an answer"), None);
}

/// A feed that has ended takes no more changes and has no head.
pub async fn a_feed_that_has_ended_takes_no_more_changes(store: &impl Store) {
    let (ended, other) = (SpaceId::personal(user(1).id), SpaceId::personal(user(2).id));
    for space in [ended, other] {
        append(store, space, &changes(1..60), now()).await;
    }
    for _ in 0..2 {
        store.end_feed(ended, now()).await.expect("an answer");
        let appended = store.append_changes(ended, &changes([70]), now(), now()).await;
        assert_eq!(appended.expect("an answer"), None);
        let heads = store.feed_heads(&[ended, other]).await.expect("an answer");
        assert_eq!(heads.keys().collect::<Vec<_>>(), [&other]);
    }
    assert_eq!(whole(store, other, now()).await.len(), 59);
}
