//! Rate limits and the access of users.

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, instant, now, user},
};
use jiff::SignedDuration;
use taskbell_domain::{
    credential::{RefreshToken, Session},
    id::SessionId,
    ports::*,
    rate_limit::{self, RateLimit},
    user::User,
};

use super::{Store, register, sessions::open};

/// Requests are counted per key, limit and window.
pub async fn requests_are_counted_per_key_limit_and_window(store: &impl Store) {
    let (limit, other) = (RateLimit::requests(2), RateLimit::registrations(2));
    let (ada, bob) =
        (rate_limit::RateLimitKey::user(user(1).id), rate_limit::RateLimitKey::user(user(2).id));
    let count = async |limit, key, at| {
        store.record(limit, key, 1, instant(at)).await.expect("an answer").expect("not blocked").count
    };
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:00Z").await, 1);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:30Z").await, 2);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:59Z").await, 3);
    assert_eq!(count(&limit, &bob, "2026-03-01T08:00:59Z").await, 1, "each key has its own count");
    assert_eq!(count(&other, &ada, "2026-03-01T08:00:59Z").await, 1, "each limit has its own count");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 1, "a new window");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 2);
    let late = store.record(&limit, &ada, 5, instant("2026-03-01T08:01:30Z")).await;
    assert_eq!(late.expect("an answer").map(|usage| usage.count), Some(7), "several at once");
}

/// A request with the time of an earlier window does not restart the current one.
pub async fn a_slow_clock_does_not_restart_a_window(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count = async |at| {
        let counted = store.record(&limit, &ada, 1, instant(at)).await;
        counted.expect("an answer").expect("not blocked").count
    };
    assert_eq!(count("2026-03-01T08:01:00Z").await, 1);
    assert_eq!(count("2026-03-01T08:01:01Z").await, 2);
    assert_eq!(count("2026-03-01T08:00:59Z").await, 2, "the count of the later window");
    assert_eq!(count("2026-03-01T08:01:02Z").await, 3);
}

/// A request that is taken back is subtracted from its window.
pub async fn a_request_that_is_taken_back_is_not_counted(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count = async |more, at| {
        let usage = store.record(&limit, &ada, more, instant(at)).await.expect("an answer");
        usage.expect("not blocked").count
    };
    let take_back = async |at| store.take_back(&limit, &ada, instant(at)).await.expect("an answer");
    take_back("2026-03-01T08:00:00Z").await;
    assert_eq!(count(2, "2026-03-01T08:00:00Z").await, 2);
    take_back("2026-03-01T08:00:59Z").await;
    assert_eq!(count(0, "2026-03-01T08:00:59Z").await, 1);
    for _ in 0..2 {
        take_back("2026-03-01T08:00:59Z").await;
    }
    assert_eq!(count(0, "2026-03-01T08:00:59Z").await, 0, "never below 0");
    assert_eq!(count(3, "2026-03-01T08:01:00Z").await, 3);
    take_back("2026-03-01T08:00:59Z").await;
    assert_eq!(count(0, "2026-03-01T08:01:00Z").await, 3, "another window");
}

/// Requests of a blocked user are not counted until the user is unblocked. All sessions of a user can be closed.
pub async fn a_user_is_blocked_and_unblocked(store: &impl Store) {
    let (ada, bob, limit) = (user(1), user(2), RateLimit::requests(9));
    for user in [&ada, &bob] {
        register(store, user).await;
    }
    let count = async |user: &User| {
        store
            .record(&limit, &rate_limit::RateLimitKey::user(user.id), 1, now())
            .await
            .expect("an answer")
    };
    assert_eq!(count(&ada).await.map(|usage| usage.count), Some(1));
    for user in [&ada, &bob] {
        let blocked = User { disabled_at: Some(now()), ..user.clone() };
        for _ in 0..2 {
            store.store_access(&blocked, &limit).await.expect("an answer");
        }
        assert_eq!(count(user).await, None);
    }
    store.store_access(&ada, &limit).await.expect("an answer");
    assert!(count(&ada).await.is_some());
    assert_eq!(count(&bob).await, None);

    let revoked = User { tokens_valid_from: Some(now()), ..ada.clone() };
    store.store_access(&revoked, &limit).await.expect("an answer");
    let tomorrow = now() + SignedDuration::from_hours(24);
    for at in [now(), tomorrow] {
        let key = rate_limit::RateLimitKey::user(ada.id);
        let usage = store.record(&limit, &key, 1, at).await.expect("an answer").expect("not blocked");
        assert_eq!(usage.tokens_valid_from, Some(now()), "also in another window");
    }

    let later = User { disabled_at: Some(now()), version: ada.version + 1, ..revoked.clone() };
    for user in [&later, &revoked] {
        store.store_access(user, &limit).await.expect("an answer");
    }
    assert_eq!(
        count(&ada).await,
        None,
        "an earlier version of the profile does not replace a later one"
    );

    let random = SeededRandom::new(7);
    let mut tokens = Vec::new();
    for owner in [&ada, &ada, &bob] {
        let session = SessionId::generate(&ManualClock::at(NOW), &random);
        let token = RefreshToken::generate(owner.id, session, &random);
        let session = Session::of(&token, now());
        open(store, owner, &session).await;
        tokens.push((token, session));
    }
    store.close_sessions(ada.id).await.expect("an answer");
    let mut ends = Vec::new();
    for (token, session) in &tokens {
        ends.push(store.rotate_session(session, &token.hash(), now()).await.expect("an answer"));
    }
    assert_eq!(ends, [Rotated::Unknown, Rotated::Unknown, Rotated::Done]);
}
