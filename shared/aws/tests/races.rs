//! What others do between a read and a write of the same call, and what a table answers that is not as it should be.

mod support;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod wire;

use std::{
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::BoxFuture;
use support::Server;
use taskbell_aws::dynamodb::{DynamoDb, keys};
use taskbell_domain::{
    id::SpaceId,
    notification::NotificationKind,
    ports::*,
    rate_limit::{RateLimit, RateLimitKey},
    statistics::{Contribution, Counter, CounterGroups, Counters},
    task::Task,
    text::Tag,
    timer::Timer,
};
use taskbell_test::fixtures::{draft, instant, notification, now, space, task, user};
use wire::{Fate, pages_of_three, unprocessed, wired};

/// The store, where something else happens before one of the calls of an operation is sent.
fn meddled(
    server: &Server,
    (operation, which): (&'static str, usize),
    deed: impl Future<Output = ()> + Send + 'static,
) -> DynamoDb {
    let deed: BoxFuture<'static, ()> = Box::pin(deed);
    let (deed, calls) = (Mutex::new(Some(deed)), AtomicUsize::new(0));
    server.store(wired(&server.client(), move |called, _| {
        if called != operation || calls.fetch_add(1, Ordering::Relaxed) + 1 != which {
            return Fate::Sent;
        }
        deed.lock().expect("not poisoned").take().map_or(Fate::Sent, Fate::SentAfter)
    }))
}

fn version(version: u64, tags: &[&str]) -> Task {
    let mut one = task(1, &user(1), draft("one"));
    one.version = version;
    one.tags = tags.iter().map(|tag| Tag::parse(tag).expect("a tag")).collect();
    one
}

#[tokio::test]
async fn a_task_that_another_one_counts_between_read_and_write_is_counted_once() {
    let gone = |number| Contribution::removed(&version(number, &[]));
    let of = |number, tags: &[&str]| Contribution::of(&version(number, tags));
    let cases = [
        ("they count what is newer", None, of(1, &["a"]), of(2, &["b"]), &["b"][..]),
        ("they count what is older", None, of(2, &["b"]), of(1, &["a"]), &["b"]),
        ("they count the same", None, of(1, &["a"]), of(1, &["a"]), &["a"]),
        ("it changes twice", Some(of(1, &["a"])), of(3, &["c"]), of(2, &["b"]), &["c"]),
        ("it changes, and is gone", Some(of(1, &["a"])), gone(3), of(2, &["b"]), &[]),
        ("both see that it is gone", Some(of(1, &["a"])), gone(2), gone(2), &[]),
    ];
    for (what, before, ours, theirs, tags) in cases {
        let server = Server::start().await;
        let other = server.store(server.client());
        if let Some(before) = &before {
            other.record_contribution(before).await.expect("an answer");
        }
        let rival = other.clone();
        let deed = async move { rival.record_contribution(&theirs).await.expect("an answer") };
        let store = meddled(&server, ("TransactWriteItems", 1), deed);
        store.record_contribution(&ours).await.expect("an answer");

        let space = SpaceId::personal(user(1).id);
        let numbers = other.numbers(space).await.expect("an answer");
        let one = Counters::from([(Counter::All, 1), (Counter::Open, 1)]);
        let expected = if tags.is_empty() { Counters::new() } else { one.clone() };
        let positive = numbers.into_iter().filter(|(_, many)| *many != 0).collect::<Counters>();
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

/// How many there are with one more.
async fn counted(store: &impl RateLimits, limit: &RateLimit, subject: &RateLimitKey) -> Option<u32> {
    let usage = store.record(limit, subject, 1, now()).await.expect("an answer");
    usage.map(|usage| usage.count)
}

#[tokio::test]
async fn a_window_that_another_request_has_just_begun_goes_on() {
    let (limit, ada) = (RateLimit::requests(9), RateLimitKey::user(user(1).id));
    for before in [None, Some("2026-03-01T07:59:00Z")] {
        let server = Server::start().await;
        let other = server.store(server.client());
        if let Some(before) = before {
            other.record(&limit, &ada, 5, instant(before)).await.expect("an answer");
        }
        let (rival, whose) = (other.clone(), ada.clone());
        let deed = async move {
            assert_eq!(counted(&rival, &limit, &whose).await, Some(1));
        };
        // The first update finds that its window has not begun, the second one begins it.
        let store = meddled(&server, ("UpdateItem", 2), deed);
        assert_eq!(counted(&store, &limit, &ada).await, Some(2));
        assert_eq!(counted(&other, &limit, &ada).await, Some(3));
    }
}

#[tokio::test]
async fn a_timer_that_cannot_be_read_keeps_no_other_of_its_shard_from_being_found() {
    let server = Server::start().await;
    let (client, store) = (server.client(), server.store(server.client()));
    let mut expected: Vec<Timer> = Vec::new();
    for number in 0..200 {
        let made = notification(number, NotificationKind::Verification { to: user(1).id });
        let timer = made.timer().expect("a timer");
        if keys::shard_of(timer.subject) == 3 {
            store.add_notification(&made, None).await.expect("an answer");
            expected.push(timer);
        }
    }
    expected.sort();
    assert!(expected.len() > 6, "{}", expected.len());
    // In front of the others, so many that whole answers hold nothing else; among them; and behind them.
    let broken =
        ["0", "1", "2", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z#tsk_1", "2026-02-30T00:00:00Z#x"];
    let among = format!("{}#ntc_5", now());
    let behind = format!("{}#zzz", now());
    let broken = broken.into_iter().chain([among.as_str(), behind.as_str()]);
    for (number, key) in broken.enumerate() {
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        client
            .put_item()
            .table_name("TasksTable")
            .item(keys::PK, text(&format!("NOTICE#broken-{number}")))
            .item(keys::SK, text("NOTICE"))
            .item(keys::DUE_TIMERS.partition, text(&keys::timer_shard(3)))
            .item(keys::DUE_TIMERS.sort, text(key))
            .send()
            .await
            .expect("an answer");
    }
    for store in [store, server.store(wired(&client, pages_of_three))] {
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
async fn an_error_about_one_item_is_told_from_one_of_the_store() {
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
        let told = answer.to_string();
        let store = server.store(wired(&server.client(), move |operation, body| match operation {
            "TransactWriteItems" => Fate::Answered(400, answer.clone()),
            _ => unprocessed(operation, body),
        }));
        let error = store
            .record_contribution(&Contribution::of(&version(1, &["a"])))
            .await
            .expect_err("an error");
        assert_eq!((error.is_about_item(), error.transient), (about_item, transient), "{told}");
    }
}

/// Whoever joins while the number of memberships is read is either in it, or makes the next creation fail.
#[tokio::test]
async fn a_space_that_is_made_while_spaces_are_counted_is_counted_or_refuses_the_next() {
    for read in ["GetItem", "Query"] {
        let server = Server::start().await;
        let other = server.store(server.client());
        let ada = user(1);
        let rival = other.clone();
        let (theirs, owner) = space(1, &ada);
        let deed = async move {
            let made = rival.create_space(&theirs, &owner, Some(0), None).await.expect("an answer");
            assert_eq!(made, Some(Created::Stored));
        };
        let store = meddled(&server, (read, 1), deed);
        let counted = store.memberships(ada.id).await.expect("an answer");
        let (mine, owner) = space(2, &ada);
        let made = other.create_space(&mine, &owner, Some(counted.version), None).await;
        let made = made.expect("an answer").is_some();
        assert!(counted.spaces == 1 || !made, "{read}: {counted:?}");
    }
}
