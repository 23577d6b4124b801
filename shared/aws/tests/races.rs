//! Concurrent changes between a read and a write of the same call, and invalid items and answers.

#[path = "races/addresses.rs"]
mod addresses;

use std::{
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use taskbell_aws::dynamodb::{DynamoDb, keys};
use taskbell_domain::{
    feed::{Change, Operation, Subject},
    id::SpaceId,
    notification::NotificationKind,
    ports::*,
    statistics::{Contribution, Counter, CounterGroups, Counters},
    task::Task,
    text::Tag,
    timer::Timer,
};
use taskbell_test::contract::record_one;
use taskbell_test::fixtures::{comment, draft, notification, now, space, task, user};
use taskbell_test_aws::Server;
use taskbell_test_aws::intercept::{
    Interception, intercepted, three_items_per_page, unprocessed_batches,
};

/// A store that completes a write of another client before it sends the n-th call of an operation.
fn with_concurrent_write(
    server: &Server,
    (operation, n): (&'static str, usize),
    write: impl Future<Output = ()> + Send + 'static,
) -> DynamoDb {
    let write: BoxFuture<'static, ()> = Box::pin(write);
    let (write, calls) = (Mutex::new(Some(write)), AtomicUsize::new(0));
    server.store(intercepted(&server.client(), move |called, _| {
        if called != operation || calls.fetch_add(1, Ordering::Relaxed) + 1 != n {
            return Interception::Send;
        }
        write.lock().expect("not poisoned").take().map_or(Interception::Send, Interception::SendAfter)
    }))
}

fn version(version: u64, tags: &[&str]) -> Task {
    let mut one = task(1, &user(1), draft("one"));
    one.version = version;
    one.tags = tags.iter().map(|tag| Tag::parse(tag).expect("a tag")).collect();
    one
}

#[tokio::test]
async fn a_task_that_two_workers_count_at_the_same_time_is_counted_once() {
    let deleted = |number| Contribution::removed(&version(number, &[]));
    let of = |number, tags: &[&str]| Contribution::of(&version(number, tags));
    let cases = [
        ("the other counts a newer version", None, of(1, &["a"]), of(2, &["b"]), &["b"][..]),
        ("the other counts an older version", None, of(2, &["b"]), of(1, &["a"]), &["b"]),
        ("the other counts the same version", None, of(1, &["a"]), of(1, &["a"]), &["a"]),
        ("the task changes twice", Some(of(1, &["a"])), of(3, &["c"]), of(2, &["b"]), &["c"]),
        ("the task changes and is deleted", Some(of(1, &["a"])), deleted(3), of(2, &["b"]), &[]),
        ("both count the deletion", Some(of(1, &["a"])), deleted(2), deleted(2), &[]),
    ];
    for (what, before, ours, theirs, tags) in cases {
        let server = Server::start().await;
        let other = server.store(server.client());
        if let Some(before) = &before {
            record_one(&other, before).await.expect("an answer");
        }
        let other_store = other.clone();
        let write = async move { record_one(&other_store, &theirs).await.expect("an answer") };
        let store = with_concurrent_write(&server, ("TransactWriteItems", 1), write);
        record_one(&store, &ours).await.expect("an answer");

        let space = SpaceId::personal(user(1).id);
        let counters = other.counters(space).await.expect("an answer");
        let one = Counters::from([(Counter::All, 1), (Counter::Open, 1)]);
        let expected = if tags.is_empty() { Counters::new() } else { one.clone() };
        let positive = counters.into_iter().filter(|(_, many)| *many != 0).collect::<Counters>();
        assert_eq!(positive, expected, "{what}");
        let found =
            other.counter_groups(space, CounterGroups::Tags, None, None).await.expect("a page").items;
        let expected: Vec<_> = tags
            .iter()
            .map(|tag| {
                (
                    taskbell_domain::statistics::CounterGroup::Tag(Tag::parse(tag).expect("a tag")),
                    one.clone(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn an_invalid_timer_does_not_hide_the_others_of_its_shard() {
    let server = Server::start().await;
    let (client, store) = (server.client(), server.store(server.client()));
    let mut expected: Vec<Timer> = Vec::new();
    for number in 0..200 {
        let made = notification(number, NotificationKind::Verification { to: user(1).id });
        let timer = made.timer().expect("a timer");
        if keys::shard_of(timer.target) == 3 {
            store.add_notification(&made, None).await.expect("an answer");
            expected.push(timer);
        }
    }
    expected.sort();
    assert!(expected.len() > 6, "{}", expected.len());
    // Before the valid ones (so many that whole answers contain nothing else), among them, and after them.
    let invalid =
        ["0", "1", "2", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z#tsk_1", "2026-02-30T00:00:00Z#x"];
    let among = format!("{}#ntc_5", now());
    let after = format!("{}#zzz", now());
    let invalid = invalid.into_iter().chain([among.as_str(), after.as_str()]);
    for (number, key) in invalid.enumerate() {
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        client
            .put_item()
            .table_name("TasksTable")
            .item(keys::PK, text(&format!("NOTICE#invalid-{number}")))
            .item(keys::SK, text("NOTICE"))
            .item(keys::DUE_TIMERS.partition, text(&keys::timer_shard(3)))
            .item(keys::DUE_TIMERS.sort, text(key))
            .send()
            .await
            .expect("an answer");
    }
    for store in [store, server.store(intercepted(&client, three_items_per_page))] {
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..50 {
            let page = store.timers(3, now(), after).await.expect("a page");
            found.extend(page.timers);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((&found, after), (&expected, None));
    }
}

#[tokio::test]
async fn an_error_about_an_item_is_distinguished_from_an_error_of_the_store() {
    let server = Server::start().await;
    let cancelled = |code| {
        serde_json::json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": [{ "Code": "None" }, { "Code": code }],
        })
    };
    let failed =
        |code| serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}") });
    for (answer, about_item, transient) in [
        (cancelled("ValidationError"), true, false),
        (cancelled("ItemCollectionSizeLimitExceeded"), true, false),
        (cancelled("TransactionConflict"), false, true),
        (failed("ValidationException"), true, false),
        (failed("AccessDeniedException"), false, false),
        (failed("ResourceNotFoundException"), false, false),
    ] {
        let description = answer.to_string();
        let store =
            server.store(intercepted(&server.client(), move |operation, body| match operation {
                "TransactWriteItems" => Interception::Respond(400, answer.clone()),
                _ => unprocessed_batches(operation, body),
            }));
        let error =
            record_one(&store, &Contribution::of(&version(1, &["a"]))).await.expect_err("an error");
        assert_eq!((error.is_about_item(), error.transient), (about_item, transient), "{description}");
    }
}

/// If the user joins a space while memberships are counted, it is counted, or the creation that follows fails.
#[tokio::test]
async fn a_space_that_is_created_while_spaces_are_counted_is_counted_or_refuses_the_next() {
    for read in ["GetItem", "Query"] {
        let server = Server::start().await;
        let other = server.store(server.client());
        let ada = user(1);
        let other_store = other.clone();
        let (theirs, owner) = space(1, &ada);
        let write = async move {
            let made =
                other_store.create_space(&theirs, &owner, Some(0), None).await.expect("an answer");
            assert_eq!(made, Some(Created::Stored));
        };
        let store = with_concurrent_write(&server, (read, 1), write);
        let counted = store.memberships(ada.id).await.expect("an answer");
        let (mine, owner) = space(2, &ada);
        let made = other.create_space(&mine, &owner, Some(counted.version), None).await;
        let made = made.expect("an answer").is_some();
        assert!(counted.spaces == 1 || !made, "{read}: {counted:?}");
    }
}

/// Changes of members, by number.
fn changes(numbers: impl IntoIterator<Item = u64>) -> Vec<Change> {
    let change = |number: u64| {
        let subject = Subject::Member(user(number % 9).id);
        Change { id: format!("record {number}"), subject, operation: Operation::Updated, version: 0 }
    };
    numbers.into_iter().map(change).collect()
}

/// The ids in a feed, in its order.
async fn feed(store: &DynamoDb, space: SpaceId) -> Vec<String> {
    let entries = store.feed_entries(space, 0, 100, now()).await.expect("an answer");
    let entries = entries.unwrap_or_default();
    assert!(entries.iter().map(|entry| entry.sequence).eq(1..=entries.len() as u64), "no gap");
    entries.into_iter().map(|entry| entry.change.id).collect()
}

#[tokio::test]
async fn what_another_instance_appends_meanwhile_is_not_appended_again() {
    for (operation, n) in [("Query", 1), ("TransactWriteItems", 1)] {
        let server = Server::start().await;
        let store = server.store(server.client());
        let space = SpaceId::personal(user(1).id);
        store.append_changes(space, &changes(0..3), now(), now()).await.expect("an answer");
        let other = store.clone();
        let meanwhile = with_concurrent_write(&server, (operation, n), async move {
            let appended = other.append_changes(space, &changes(2..6), now(), now()).await;
            assert_eq!(appended.expect("an answer").map(|entries| entries.len()), Some(3));
        });
        let appended = meanwhile.append_changes(space, &changes(4..9), now(), now()).await;
        assert_eq!(appended.expect("an answer").map(|found| found.len()), Some(3), "{operation}");
        let expected: Vec<_> = changes(0..9).into_iter().map(|change| change.id).collect();
        assert_eq!(feed(&store, space).await, expected, "{operation}");
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_does_not_hide_what_was_appended() {
    let server = Server::start().await;
    let store = server.store(server.client());
    let space = SpaceId::personal(user(1).id);
    let minute = SignedDuration::from_mins(1);
    store.append_changes(space, &changes([1]), now(), now()).await.expect("an answer");
    // The clock of this instance is five minutes behind.
    store.append_changes(space, &changes([2]), now(), now() - minute * 5).await.expect("an answer");
    for number in [1, 2] {
        let again = store.append_changes(space, &changes([number]), now(), now() + minute).await;
        assert_eq!(again.expect("an answer"), Some(vec![]), "{number}");
    }
    assert_eq!(feed(&store, space).await.len(), 2);
}

#[tokio::test]
async fn an_append_after_the_end_of_a_feed_is_refused_whenever_it_began() {
    for (operation, n) in [("Query", 1), ("TransactWriteItems", 1)] {
        let server = Server::start().await;
        let store = server.store(server.client());
        let space = SpaceId::personal(user(1).id);
        store.append_changes(space, &changes(0..3), now(), now()).await.expect("an answer");
        let other = store.clone();
        let meanwhile = with_concurrent_write(&server, (operation, n), async move {
            other.end_feed(space, now()).await.expect("an answer");
        });
        let appended = meanwhile.append_changes(space, &changes(4..9), now(), now()).await;
        assert_eq!(appended.expect("an answer"), None, "{operation}");
        assert!(store.feed_heads(&[space]).await.expect("an answer").is_empty());
    }
}

#[tokio::test]
async fn a_purge_deletes_nothing_of_a_task_that_the_index_still_shows_in_its_earlier_space() {
    let server = Server::start().await;
    let other = server.store(server.client());
    let ada = user(1);
    let (mut doomed, owner) = space(1, &ada);
    other.create_space(&doomed, &owner, None, None).await.expect("an answer");
    let [left, stays] =
        [1, 2].map(|number| Task { space: doomed.id, ..task(number, &ada, draft("one")) });
    for one in [&left, &stays] {
        other.create(one, None, None).await.expect("an answer");
        other.add_comment(&comment(1, one, &ada), None).await.expect("an answer");
    }
    doomed.begin_deletion(now());
    other.replace_space(&doomed, 1).await.expect("an answer");
    let mut moved = left.clone();
    assert!(moved.move_to(SpaceId::personal(ada.id), true, now()));
    let (store, stored) = (other.clone(), moved.clone());
    // Between the answer of the index and everything that follows from it.
    let write = async move {
        let replaced = store.replace(&stored, 1, AtomicExtras::default()).await;
        assert_eq!(replaced.expect("an answer"), Replaced::Stored);
    };
    let purging = with_concurrent_write(&server, ("BatchGetItem", 1), write);
    purging.purge_space(doomed.id).await.expect("an answer");
    assert_eq!(other.task(moved.id).await.expect("an answer"), Some(moved));
    assert_eq!(other.comments(left.id, None, 9).await.expect("an answer").items.len(), 1);
    assert_eq!(other.task(stays.id).await.expect("an answer"), None);
    assert_eq!(other.comments(stays.id, None, 9).await.expect("an answer").items, []);
}

#[tokio::test]
async fn a_contribution_without_a_space_counts_in_that_of_the_first_change() {
    let server = Server::start().await;
    let (client, store) = (server.client(), server.store(server.client()));
    let (here, there) = (SpaceId::personal(user(1).id), SpaceId::personal(user(2).id));
    record_one(&store, &Contribution::of(&version(1, &["a"]))).await.expect("an answer");
    // As an earlier version has stored it.
    let (pk, sk) = (format!("COUNTED#{}", version(1, &[]).id.body()), "COUNTED");
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    client
        .update_item()
        .table_name("TasksTable")
        .key(keys::PK, text(&pk))
        .key(keys::SK, text(sk))
        .update_expression("REMOVE #space")
        .expression_attribute_names("#space", "space")
        .send()
        .await
        .expect("an answer");
    let moved = Task { space: there, ..version(3, &["b"]) };
    let contribution = Contribution { space_before: here, ..Contribution::of(&moved) };
    for _ in 0..2 {
        record_one(&store, &contribution).await.expect("an answer");
    }
    let total = async |space| {
        let counters = store.counters(space).await.expect("an answer");
        counters.get(&Counter::All).copied().unwrap_or_default()
    };
    assert_eq!([total(here).await, total(there).await], [0, 1]);
}

#[tokio::test]
async fn a_task_with_many_tags_moves_in_the_statistics_in_two_transactions() {
    let server = Server::start().await;
    let store = server.store(server.client());
    let (here, there) = (SpaceId::personal(user(1).id), SpaceId::personal(user(2).id));
    let tags: Vec<_> = (0..50).map(|number| format!("t{number}")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    record_one(&store, &Contribution::of(&version(1, &tags))).await.expect("an answer");
    let moved = Task { space: there, ..version(2, &tags) };
    for _ in 0..2 {
        record_one(&store, &Contribution::of(&moved)).await.expect("an answer");
    }
    for (space, expected) in [(here, 0), (there, 50)] {
        let found = store.counter_groups(space, CounterGroups::Tags, None, None).await;
        assert_eq!(found.expect("a page").items.len(), expected);
    }
}

#[tokio::test]
async fn nothing_is_subtracted_from_statistics_that_were_deleted_even_if_no_empty_group_can_be_deleted()
{
    let server = Server::start().await;
    let store = server.store(intercepted(&server.client(), |operation, _| match operation {
        "DeleteItem" => {
            Interception::Respond(400, serde_json::json!({ "__type": "AccessDeniedException" }))
        }
        _ => Interception::Send,
    }));
    let one = version(1, &["private"]);
    record_one(&store, &Contribution::of(&one)).await.expect("an answer");
    store.delete_items_of(user(1).id).await.expect("an answer");
    record_one(&store, &Contribution::removed(&one)).await.expect("an answer");
    let items = server.client().scan().table_name("TasksTable").send().await.expect("an answer").items;
    assert_eq!(items.unwrap_or_default(), []);
}
