//! Idempotency records.

use crate::fixtures::{NOW, comment, draft, instant, notification, now, space, task, user};
use taskbell_domain::{notification::NotificationKind, ports::*, task::Task};

use super::{Store, create, register};

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

/// A change or deletion with an idempotency key stores a record, and does nothing if the record exists.
pub async fn a_change_with_an_idempotency_key_happens_once(store: &impl Store) {
    let ada = user(1);
    let old = task(1, &ada, draft("old"));
    create(store, &old).await;
    let (change, delete) = (record("change", &old, NOW), record("delete", &old, NOW));
    let hashes = || vec!["change".repeat(8), "delete".repeat(8), "none".repeat(8)];
    assert_eq!(store.records(ada.id, hashes(), now()).await.expect("an answer"), []);
    let new = Task { revision: 2, ..old.clone() };
    let also = |record| AtomicExtras { record: Some(record), ..AtomicExtras::default() };
    assert_eq!(store.replace(&new, 1, also(&change)).await.expect("an answer"), Replaced::Stored);
    let newer = Task { revision: 3, ..old.clone() };
    let stale = store.replace(&newer, 1, also(&delete)).await.expect("an answer");
    assert_eq!(stale, Replaced::Conflict(Some(Box::new(new.clone()))));
    let twice = store.replace(&newer, 2, also(&change)).await.expect_err("the key was used");
    assert!(twice.transient);
    assert!(store.delete(old.id, 2, false, Some(&change)).await.is_err());
    assert_eq!(store.task(old.id).await.expect("an answer"), Some(new));
    let deleted = store.delete(old.id, 2, false, Some(&delete)).await.expect("an answer");
    assert_eq!(deleted, Replaced::Stored);
    let mut found = store.records(ada.id, hashes(), now()).await.expect("an answer");
    found.sort_by(|a, b| a.key_hash.cmp(&b.key_hash));
    assert_eq!(found, [change, delete]);
    let later = instant("2026-03-02T08:00:00Z");
    assert_eq!(store.records(ada.id, hashes(), later).await.expect("an answer"), []);
}

/// A creation that is refused stores no record, so the same request can succeed later.
pub async fn a_refused_creation_does_not_use_up_its_idempotency_key(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let of = task(1, &ada, draft("one"));
    create(store, &of).await;
    let (space, owner) = space(1, &ada);
    let key = record("space", &of, NOW);
    let refused = store.create_space(&space, &owner, Some(7), Some(&key)).await;
    assert_eq!(refused.expect("an answer"), None);
    let created = store.create_space(&space, &owner, Some(0), Some(&key)).await;
    assert_eq!(created.expect("an answer"), Some(Created::Stored));
    let comment = comment(1, &task(2, &ada, draft("two")), &ada);
    let key = record("comment", &of, NOW);
    let refused = store.add_comment(&comment, Some(&key)).await.expect("an answer");
    assert_eq!(refused, Commented::NoTask);
    assert_eq!(store.records(ada.id, vec!["comment".repeat(8)], now()).await.expect("an answer"), []);
}

/// An idempotency key creates one space, comment or notification.
pub async fn an_idempotency_key_creates_one_resource_of_any_kind(store: &impl Store) {
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
        let kind = NotificationKind::Assignment { to: ada.id, task: of.id, by: ada.id };
        let notification = notification(number, kind);
        let created = store.add_notification(&notification, Some(&record("notification"))).await;
        assert_eq!(created.expect("an answer"), expected);
        let found = store.notification(notification.id).await.expect("an answer");
        assert_eq!(found.is_some(), expected == Created::Stored);
    }
}

pub(super) fn record(key: &str, task: &Task, at: &str) -> IdempotencyRecord {
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
