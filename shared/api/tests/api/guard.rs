//! The guard of one function instance: what it counts in memory, and what it reads and writes.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{
    endpoint::Programs,
    http::{Callers, HttpEvent, Invocation, RateLimitGuard, Reply, respond},
};
use taskbell_domain::{
    clock::Clock,
    ports::{PortError, ProfileChanges, RateLimits},
    rate_limit::{RateLimit, RateLimitKey},
    user::User,
};
use taskbell_test::{
    Faults, Faulty, ManualClock, MemoryStore, SeededRandom, Side,
    fixtures::{NOW, now, user},
};

use crate::support::World;

/// Counts the calls that record requests, and can make accounts unreadable.
#[derive(Default)]
struct Counter {
    recorded: AtomicU32,
    unreadable: AtomicBool,
}

impl Faults for Counter {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        self.recorded.fetch_add(u32::from(call == "record" && side == Side::Before), Ordering::Relaxed);
        match call == "account_state" && self.unreadable.load(Ordering::Relaxed) {
            true => Err(PortError { operation: "reading", transient: true, source: "down".into() }),
            false => Ok(()),
        }
    }
}

/// A warm function: one guard and one store for several requests.
struct Function<'a> {
    clock: &'a ManualClock,
    guard: RateLimitGuard<'a, Faulty<MemoryStore, Counter>>,
    counter: &'a Counter,
    handled: AtomicU32,
}

impl Function<'_> {
    /// The status of a request from an address, how often it was counted, and how often the handler ran.
    async fn answer(&self, from: &str) -> (u16, u32, u32) {
        self.answer_to(from, "POST", "").await
    }

    /// The same of a request with an access token.
    async fn send(&self, method: &str, token: &str) -> (u16, u32, u32) {
        self.answer_to("192.0.2.1", method, token).await
    }

    async fn answer_to(&self, from: &str, method: &str, token: &str) -> (u16, u32, u32) {
        let path = taskbell_test::template::project().join("events/get-health.json");
        let event = std::fs::read_to_string(path).expect("an event file");
        let mut event: serde_json::Value = serde_json::from_str(&event).expect("JSON");
        event["requestContext"]["http"]["sourceIp"] = json!(from);
        event["requestContext"]["http"]["method"] = json!(method);
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
        let event: HttpEvent = serde_json::from_str(&event.to_string()).expect("JSON");
        let random = &SeededRandom::new(1);
        let invocation = Invocation { deadline: now(), clock: self.clock, random };
        let response = respond(event, invocation, &self.guard, async |call| {
            self.handled.fetch_add(1, Ordering::Relaxed);
            if call.method() == "POST" {
                call.admit().await?;
            }
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        });
        let status = response.await.status_code.as_u16();
        let count = |number: &AtomicU32| number.swap(0, Ordering::Relaxed);
        (status, count(&self.counter.recorded), count(&self.handled))
    }
}

#[tokio::test]
async fn a_refused_caller_is_refused_from_memory_until_the_window_ends() {
    let store = Faulty { store: MemoryStore::default(), faults: Counter::default() };
    let (clock, callers) = (&ManualClock::at(NOW), Callers::Public);
    let guard = RateLimitGuard::new(&store, &callers, RateLimit::log_ins(1));
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    let (here, there) = ("192.0.2.1", "192.0.2.2");
    assert_eq!(function.answer(here).await, (204, 1, 1));
    assert_eq!(function.answer(here).await, (429, 1, 0), "refused after counting");
    for _ in 0..2 {
        assert_eq!(function.answer(here).await, (429, 0, 0), "refused from memory");
    }
    assert_eq!(function.answer(there).await, (204, 1, 1), "other callers are not refused");
    clock.advance(SignedDuration::from_secs(59));
    assert_eq!(function.answer(here).await, (429, 0, 0), "the last second of the window");
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(function.answer(here).await, (204, 1, 1), "a new window");
}

#[tokio::test]
async fn the_memory_of_refused_callers_is_bounded_and_cleared() {
    let store = Faulty { store: MemoryStore::default(), faults: Counter::default() };
    let (clock, callers) = (&ManualClock::at(NOW), Callers::Public);
    let guard = RateLimitGuard::new(&store, &callers, RateLimit::log_ins(0));
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    let address = |number: u32| format!("10.0.{}.{}", number / 250, number % 250);
    for number in 0..1_000 {
        assert_eq!(function.answer(&address(number)).await, (429, 1, 0), "{number}");
    }
    assert_eq!(function.answer(&address(999)).await, (429, 0, 0), "refused from memory");
    for _ in 0..2 {
        assert_eq!(function.answer(&address(1_000)).await, (429, 1, 0), "the memory is full at 1,000");
    }
    clock.set(now() + SignedDuration::from_secs(60));
    assert_eq!(function.answer(&address(1_000)).await, (429, 1, 0));
    assert_eq!(function.answer(&address(1_000)).await, (429, 0, 0), "the memory is cleared");
}

#[tokio::test]
async fn a_revoked_token_costs_one_call_and_nothing_of_the_users_limit() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let stale = world.access_token(&ada);
    let from = Some(now() + SignedDuration::from_secs(10));
    let revoked = User { tokens_valid_from: from, version: ada.version + 1, ..ada.clone() };
    world.store.replace_user(&revoked, ada.version, None).await.expect("no store error");
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let limit = RateLimit::requests(2);
    let (callers, clock) = (world.callers(Programs::Refused), &world.clock);
    let guard = RateLimitGuard::new(&store, &callers, limit);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    let (status, counted, _) = function.send("POST", &stale).await;
    assert_eq!((status, counted), (401, 1));
    for method in ["POST", "GET", "POST", "GET"] {
        assert_eq!(function.send(method, &stale).await, (401, 0, 0), "refused from memory");
    }
    world.clock.advance(SignedDuration::from_secs(10));
    let valid = world.access_token(&ada);
    for _ in 0..2 {
        assert_eq!(function.send("POST", &valid).await, (204, 1, 1));
    }
    assert_eq!(function.send("POST", &valid).await.0, 429);
    assert_eq!(function.send("POST", &stale).await, (401, 0, 0));
}

#[tokio::test]
async fn a_block_takes_effect_at_once_for_reads_and_changes_and_so_does_its_end() {
    let world = World::on(MemoryStore::default());
    let mut ada = world.register(1).await;
    let token = world.access_token(&ada);
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let limit = RateLimit::requests(9);
    let (callers, clock) = (world.callers(Programs::Refused), &world.clock);
    let guard = RateLimitGuard::new(&store, &callers, limit);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    for disabled_at in [None, Some(now()), None, Some(now()), None] {
        let version = ada.version + 1;
        let next = User { disabled_at, version, ..ada.clone() };
        world.store.replace_user(&next, ada.version, None).await.expect("no store error");
        ada = next;
        let blocked = disabled_at.is_some();
        for method in ["GET", "POST", "HEAD"] {
            let status = function.send(method, &token).await.0;
            assert_eq!(status, if blocked { 403 } else { 204 }, "{method}");
        }
    }
    let used = world.store.record(&limit, &RateLimitKey::user(ada.id), 0, now()).await;
    assert_eq!(used.expect("no store error"), 8, "nine were admitted; the last one is in memory");
}

#[tokio::test]
async fn a_blocked_account_that_keeps_sending_writes_nothing_and_runs_no_handler() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let token = world.access_token(&ada);
    let blocked = User { disabled_at: Some(now()), version: ada.version + 1, ..ada.clone() };
    world.store.replace_user(&blocked, ada.version, None).await.expect("no store error");
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let limit = RateLimit::requests(9);
    let (callers, clock) = (world.callers(Programs::Refused), &world.clock);
    let guard = RateLimitGuard::new(&store, &callers, limit);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    assert_eq!(function.send("POST", &token).await, (403, 1, 1), "the handler waits to be admitted");
    for _ in 0..5 {
        assert_eq!(function.send("POST", &token).await, (403, 0, 0));
    }
}

#[tokio::test]
async fn a_request_of_an_account_that_cannot_be_read_gets_503_and_one_without_an_account_401() {
    let world = World::on(MemoryStore::default());
    let token = world.access_token(&user(7));
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let limit = RateLimit::requests(9);
    let (callers, clock) = (world.callers(Programs::Refused), &world.clock);
    let guard = RateLimitGuard::new(&store, &callers, limit);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    assert_eq!(function.send("GET", &token).await.0, 401);
    store.faults.unreadable.store(true, Ordering::Relaxed);
    assert_eq!(function.send("GET", &token).await.0, 503);
}

#[tokio::test]
async fn reads_write_once_in_sixteen_and_changes_each_time() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let token = world.access_token(&ada);
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let limit = RateLimit::requests(100);
    let (callers, clock) = (world.callers(Programs::Refused), &world.clock);
    let guard = RateLimitGuard::new(&store, &callers, limit);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    let key = RateLimitKey::user(ada.id);
    let stored = async || world.store.record(&limit, &key, 0, clock.now()).await.expect("a count");
    for number in 1..=32 {
        let written = u32::from(number % 16 == 0);
        assert_eq!(function.send("GET", &token).await, (204, written, 1), "read {number}");
    }
    assert_eq!(stored().await, 32);
    for _ in 0..3 {
        assert_eq!(function.send("GET", &token).await, (204, 0, 1));
    }
    assert_eq!(function.send("POST", &token).await, (204, 1, 1));
    assert_eq!(stored().await, 36, "a change brings the reads before it");
    function.send("GET", &token).await;
    world.clock.advance(SignedDuration::from_secs(60));
    for number in 1..=16 {
        assert_eq!(function.send("GET", &token).await.1, u32::from(number == 16), "a new window");
    }
    assert_eq!(stored().await, 16);
}

proptest::proptest! {
    /// Several instances of a function admit at most the limit, and 15 reads more for each of them, in each window; and
    /// nobody is refused before the limit.
    #[test]
    fn instances_together_admit_at_most_the_limit_and_15_reads_each(
        max in 0_u32..80,
        requests in proptest::collection::vec((0_usize..4, proptest::bool::weighted(0.8), 0_i64..3), 1..400),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::on(MemoryStore::default());
            let ada = world.register(1).await;
            let store = Faulty { store: world.store.clone(), faults: Counter::default() };
            let (limit, clock) = (RateLimit::requests(max), &world.clock);
            let callers = world.callers(Programs::Refused);
            let instances: Vec<_> = (0..4)
                .map(|_| Function {
                    guard: RateLimitGuard::new(&store, &callers, limit),
                    counter: &store.faults,
                    handled: AtomicU32::default(),
                    clock,
                })
                .collect();
            let (mut window, mut sent, mut admitted) = (limit.window_of(clock.now()), 0, 0);
            let token = world.access_token(&ada);
            for (instance, is_read, seconds) in requests {
                clock.advance(SignedDuration::from_secs(seconds));
                if limit.window_of(clock.now()) != window {
                    (window, sent, admitted) = (limit.window_of(clock.now()), 0, 0);
                }
                let method = if is_read { "GET" } else { "POST" };
                let status = instances[instance].send(method, &token).await.0;
                sent += 1;
                admitted += u32::from(status == 204);
                if sent <= max {
                    proptest::prop_assert_eq!(status, 204, "{} of {}", sent, max);
                }
                proptest::prop_assert!(admitted <= max + 4 * 15, "{} of {}", admitted, max);
            }
            Ok(())
        })?;
    }
}
