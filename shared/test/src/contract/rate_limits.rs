//! Rate limits and the access of users.

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, instant, now, user},
};
use taskbell_domain::{
    credential::{RefreshToken, Session},
    id::SessionId,
    ports::*,
    rate_limit::{self, RateLimit},
    user::{AccountState, User},
};

use super::{Store, register, sessions::open};

/// Requests are counted per key, limit and window.
pub async fn requests_are_counted_per_key_limit_and_window(store: &impl Store) {
    let (limit, other) = (RateLimit::requests(2), RateLimit::registrations(2));
    let (ada, bob) =
        (rate_limit::RateLimitKey::user(user(1).id), rate_limit::RateLimitKey::user(user(2).id));
    let count =
        async |limit, key, at| store.record(limit, key, 1, instant(at)).await.expect("an answer");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:00Z").await, 1);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:30Z").await, 2);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:59Z").await, 3);
    assert_eq!(count(&limit, &bob, "2026-03-01T08:00:59Z").await, 1, "each key has its own count");
    assert_eq!(count(&other, &ada, "2026-03-01T08:00:59Z").await, 1, "each limit has its own count");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 1, "a new window");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 2);
    let late = store.record(&limit, &ada, 5, instant("2026-03-01T08:01:30Z")).await;
    assert_eq!(late.expect("an answer"), 7, "several at once");
}

/// A request with the time of an earlier window is counted in that window.
pub async fn a_slow_clock_does_not_restart_a_window(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count = async |at| store.record(&limit, &ada, 1, instant(at)).await.expect("an answer");
    assert_eq!(count("2026-03-01T08:00:58Z").await, 1);
    assert_eq!(count("2026-03-01T08:01:00Z").await, 1);
    assert_eq!(count("2026-03-01T08:01:01Z").await, 2);
    assert_eq!(count("2026-03-01T08:00:59Z").await, 2, "the count of the earlier window");
    assert_eq!(count("2026-03-01T08:01:02Z").await, 3);
}

/// A request that is taken back is subtracted from its window.
pub async fn a_request_that_is_taken_back_is_not_counted(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count =
        async |more, at| store.record(&limit, &ada, more, instant(at)).await.expect("an answer");
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

/// The state of an account is that of its profile. All sessions of a user can be closed.
pub async fn a_user_is_blocked_and_unblocked(store: &impl Store) {
    let (ada, bob) = (user(1), user(2));
    assert_eq!(store.account_state(ada.id).await.expect("an answer"), None);
    for user in [&ada, &bob] {
        register(store, user).await;
    }
    let mut stored = ada.clone();
    for (disabled_at, tokens_valid_from) in
        [(Some(now()), Some(now())), (None, Some(now())), (Some(now()), None), (None, None)]
    {
        let version = stored.version + 1;
        let next = User { disabled_at, tokens_valid_from, version, ..stored.clone() };
        let replaced = store.replace_user(&next, stored.version, None).await.expect("an answer");
        assert_eq!(replaced, Replaced::Stored);
        let api_tokens_valid_from = stored.api_tokens_valid_from;
        let state = AccountState {
            is_blocked: disabled_at.is_some(),
            tokens_valid_from,
            api_tokens_valid_from,
        };
        assert_eq!(store.account_state(ada.id).await.expect("an answer"), Some(state));
        stored = next;
    }
    assert_eq!(store.account_state(bob.id).await.expect("an answer"), Some(bob.state()));

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
