//! Rate limits and quotas.

use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{
    endpoint::{ENDPOINTS, RequestLimit},
    http::{Callers, HttpEvent, Invocation, RateLimitGuard, Reply, respond},
    links::LinkAction,
};
use taskbell_domain::{
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::{AccessChanges, Notifications, PortError, ProfileChanges, RateLimits},
    quota::Quota,
    rate_limit::{
        ASSIGNMENTS, CODES, INVITATIONS, LINKS, LOG_INS_TO_ACCOUNT, OPERATIONS, REFRESHES, RateLimit,
        RateLimitKey,
    },
    reminder::LeadTime,
    secret::sha256_hex,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, ManualClock, MemoryStore, SeededRandom, Side,
    fixtures::{NOW, notification, now},
};

use crate::support::{PASSWORD, World, collaborator, invitation_of, operator};

/// The IP address of the requests in `events/`.
const ADDRESS: &str = "192.0.2.1";

async fn use_up(world: &World, limit: RateLimit, key: &RateLimitKey) {
    for _ in 0..limit.max {
        world.store.record(&limit, key, 1, NOW.parse().expect("a time")).await.expect("no store error");
    }
}

#[tokio::test]
async fn every_function_returns_429_beyond_its_limit_and_changes_nothing() {
    let mut refused = 0;
    for endpoint in ENDPOINTS {
        if matches!(endpoint.rate_limit, RequestLimit::None) {
            continue;
        }
        let function = endpoint.name;
        let (mut world, ada, task) = World::seeded().await;
        world.requests = 0;
        let here = RateLimitKey::ip_address(ADDRESS);
        for limit in [RateLimit::registrations(20), RateLimit::log_ins(60), REFRESHES, LINKS] {
            use_up(&world, limit, &here).await;
        }
        let event = world.event(function, &ada, &task).await;
        // The session that log-out ends.
        world.refresh_token(&ada).await;
        let before = world.store.contents();
        let answer = world.send(&event).await;
        let expected = (429, "too_many_requests");
        assert_eq!((answer.status, answer.code()), expected, "{function}: {}", answer.body);
        let wait = if function == "register-user" { "3600" } else { "60" };
        assert_eq!(answer.headers["retry-after"], wait, "{function}");
        assert!(world.store.contents() == before, "{function} changed the store");
        assert!(world.queue.take().is_empty(), "{function} enqueued a timer");
        refused += 1;
    }
    assert!(refused > 30, "{refused}");
}

#[tokio::test]
async fn every_variant_of_a_request_is_admitted_before_it_changes_anything() {
    let (mut world, ada, task) = World::seeded().await;
    let unverified = User { version: 2, email_verified_at: None, ..ada.clone() };
    world.store.replace_user(&unverified, ada.version, None).await.expect("no store error");
    let secret = "5e".repeat(16);
    let secret_hash = Some(sha256_hex(secret.as_bytes()));
    let kind = NotificationKind::Code { to: operator().id, purpose: Purpose::Operator, secret_hash };
    let carrier = notification(4, kind);
    world.store.add_notification(&carrier, None).await.expect("no store error");
    let code = Code { notification: carrier.id, secret }.to_text();
    let link = async |link_action| {
        world.event("run-action", &ada, &task).await.path("token", &world.link(&ada, link_action))
    };
    let invited = invitation_of(&ada).0.to_text();
    let events = [
        link(LinkAction::VerifyEmail).await,
        link(LinkAction::Snooze(task.id, LeadTime::hours(1))).await,
        world.event("unsubscribe", &ada, &task).await.path("token", &invited),
        world.event("become-operator", &ada, &task).await.body(&json!({ "code": code })),
    ];
    world.requests = 0;
    use_up(&world, LINKS, &RateLimitKey::ip_address(ADDRESS)).await;
    let before = world.store.contents();
    for event in events {
        let answer = world.send(&event).await;
        assert_eq!((answer.status, answer.code()), (429, "too_many_requests"), "{}", event.function);
        assert!(world.store.contents() == before, "{} changed the store", event.function);
    }
}

#[tokio::test]
async fn every_response_shows_the_remaining_requests_and_each_window_starts_anew() {
    let (mut world, ada, task) = World::seeded().await;
    world.requests = 2;
    let event = world.event("get-task", &ada, &task).await;
    let answer = world.send(&event).await;
    assert_eq!(answer.headers["ratelimit-policy"], "\"requests\";q=2;w=60");
    assert_eq!(answer.headers["ratelimit"], "\"requests\";r=1;t=60");
    world.clock.advance(SignedDuration::from_secs(20));
    assert_eq!(world.send(&event).await.headers["ratelimit"], "\"requests\";r=0;t=40");
    let refused = world.send(&event).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "40"));
    assert_eq!(refused.body["detail"], "Too many requests: try again in 40 s.");
    world.clock.advance(SignedDuration::from_secs(40));
    assert_eq!(world.send(&event).await.status, 200);
}

#[tokio::test]
async fn each_user_has_a_separate_limit() {
    let (mut world, ada, task) = World::seeded().await;
    world.requests = 1;
    let theirs = world.event("list-tasks", &ada, &task).await;
    assert_eq!(world.send(&theirs).await.status, 200);
    assert_eq!(world.send(&theirs).await.status, 429);
    let bob = world.register(2).await;
    assert_eq!(world.send(&world.event("list-tasks", &bob, &task).await).await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_valid_token_is_not_counted() {
    let (mut world, ada, task) = World::seeded().await;
    world.requests = 1;
    let event = world.event("get-task", &ada, &task).await;
    let strange = event.clone().header("authorization", "Bearer x.y.z");
    for _ in 0..3 {
        assert_eq!(world.send(&strange).await.status, 401);
    }
    assert_eq!(world.send(&event).await.status, 200);
}

#[tokio::test]
async fn password_guessing_is_limited_per_ip_address_and_account() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("log-in", &ada, &task).await;
    let wrong = event.clone().body(&json!({ "email": ada.email, "password": "wrong wrong wrong" }));
    let here = RateLimitKey::account(ADDRESS, &ada.email);
    for _ in 1..LOG_INS_TO_ACCOUNT.max {
        world
            .store
            .record(&LOG_INS_TO_ACCOUNT, &here, 1, NOW.parse().expect("a time"))
            .await
            .expect("one");
    }
    assert_eq!(world.send(&wrong).await.status, 401, "the last attempt");
    assert_eq!(world.send(&wrong).await.status, 429);
    assert_eq!(world.send(&event).await.status, 429, "the right password is refused, too");
    let right = json!({ "email": ada.email, "password": PASSWORD });
    let mut elsewhere = event.clone().body(&right);
    elsewhere.json["requestContext"]["http"]["sourceIp"] = json!("192.0.2.77");
    assert_eq!(world.send(&elsewhere).await.status, 200, "another IP address is not limited");
    let bob = world.register(2).await;
    let other = event.body(&json!({ "email": bob.email, "password": PASSWORD }));
    assert_eq!(world.send(&other).await.status, 200, "another account from the same address");
}

#[tokio::test]
async fn invitations_are_limited_per_user_and_day() {
    let (world, ada, task) = World::seeded().await;
    use_up(&world, INVITATIONS, &RateLimitKey::user(ada.id)).await;
    let answer = world.send(&world.event("invite-member", &ada, &task).await).await;
    assert_eq!((answer.status, answer.code()), (429, "too_many_requests"));
}

#[tokio::test]
async fn codes_and_verification_mails_are_limited_per_user_and_hour() {
    let (world, ada, task) = World::seeded().await;
    for user in [ada.id, operator().id] {
        use_up(&world, CODES, &RateLimitKey::user(user)).await;
    }
    for function in ["send-verification", "become-operator"] {
        let event = world.event(function, &ada, &task).await;
        let before = world.store.contents();
        let refused = world.send(&event).await;
        assert!(world.store.contents() == before, "{function}: nothing has changed");
        assert_eq!((refused.status, refused.code()), (429, "too_many_requests"), "{function}");
    }
}

#[tokio::test]
async fn assignments_to_others_are_limited_per_user_and_day() {
    let (world, ada, _) = World::seeded().await;
    let assigned =
        async |to: &User| world.shared_task(&ada, &json!({ "title": "t", "assigned_to": to.id })).await;
    assert_eq!(assigned(&collaborator()).await.status, 201);
    use_up(&world, ASSIGNMENTS, &RateLimitKey::user(ada.id)).await;
    let refused = assigned(&collaborator()).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    assert_eq!(assigned(&ada).await.status, 201, "assigning oneself is not limited");
}

#[tokio::test]
async fn batch_operations_are_limited_per_user_and_minute() {
    let (world, ada, task) = World::seeded().await;
    use_up(&world, OPERATIONS, &RateLimitKey::user(ada.id)).await;
    let before = world.store.contents();
    let refused = world.send(&world.event("batch-tasks", &ada, &task).await).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    assert!(world.store.contents() == before, "the store is unchanged");
}

#[tokio::test]
async fn tasks_and_reminders_beyond_the_quota_are_refused_and_replays_still_work() {
    let (mut world, ada, known) = World::seeded().await;
    let event = world.event("create-task", &ada, &known).await;
    let made = world.send(&event).await;
    assert_eq!(made.status, 201, "{}", made.body);
    world.quota.tasks = 1; // the counters already have one task
    let replay = world.send(&event).await;
    assert_eq!((replay.status, &replay.body["id"]), (201, &made.body["id"]));
    let another = event.clone().without_header("idempotency-key");
    let refused = world.send(&another).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_tasks"));

    world.quota = Quota { tasks: 100, reminders: 1 };
    let body = |reminders| json!({"title": "t", "due": "2026-05-01T10:00:00Z", "reminders": reminders});
    let refused = world.send(&another.clone().body(&body(json!([{"before": "PT1H"}])))).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_reminders"));
    assert_eq!(world.send(&another.clone().body(&body(json!([])))).await.status, 201);
    let update = world.event("update-task", &ada, &known).await.without_header("if-match");
    let more = json!({"reminders": [{"before": "PT1H"}, {"before": "PT2H"}]});
    let refused = world.send(&update.clone().body(&more)).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_reminders"));
    let other = json!({"reminders": [{"before": "PT3H"}]});
    assert_eq!(world.send(&update.body(&other)).await.status, 200, "as many reminders as before");

    let operation = json!({"op": "update", "id": known.id, "task": more});
    let batch = world.event("batch-tasks", &ada, &known).await.without_header("idempotency-key");
    let answer = world.send(&batch.clone().body(&json!({"operations": [operation]}))).await;
    assert_eq!(answer.body["results"][0]["problem"]["code"], "too_many_reminders", "{}", answer.body);
    assert_eq!(world.as_user("complete-task", &ada, &known).await.status, 200);
    let refused = world.as_user("reopen-task", &ada, &known).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_reminders"));

    world.quota.tasks = 3; // the counters have one, so two are left
    let create = json!({"op": "create", "task": {"title": "t"}});
    let batch = batch.body(&json!({"operations": [create, create, create]}));
    let results = world.send(&batch).await.body["results"].clone();
    let statuses: Vec<_> =
        results.as_array().expect("results").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [201, 201, 409], "{results}");
}

/// Counts the calls that record requests.
#[derive(Default)]
struct Counter(AtomicU32);

impl Faults for Counter {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        self.0.fetch_add(u32::from(call == "record" && side == Side::Before), Ordering::Relaxed);
        Ok(())
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
        self.answer_to(from, "").await
    }

    /// The same of a request with an access token.
    async fn answer_to(&self, from: &str, token: &str) -> (u16, u32, u32) {
        let path = taskbell_test::template::project().join("events/get-health.json");
        let event = std::fs::read_to_string(path).expect("an event file");
        let mut event: serde_json::Value = serde_json::from_str(&event).expect("JSON");
        event["requestContext"]["http"]["sourceIp"] = json!(from);
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
        let event: HttpEvent = serde_json::from_str(&event.to_string()).expect("JSON");
        let random = &SeededRandom::new(1);
        let invocation = Invocation { deadline: now(), clock: self.clock, random };
        let response = respond(event, invocation, &self.guard, async |_| {
            self.handled.fetch_add(1, Ordering::Relaxed);
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        });
        let status = response.await.status_code.as_u16();
        let count = |number: &AtomicU32| number.swap(0, Ordering::Relaxed);
        (status, count(&self.counter.0), count(&self.handled))
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
    let limit = RateLimit::requests(2);
    let stale = world.access_token(&ada);
    let from = Some(now() + SignedDuration::from_secs(10));
    let revoked = User { tokens_valid_from: from, ..ada.clone() };
    world.store.store_access(&revoked, &limit).await.expect("no store error");
    let store = Faulty { store: world.store.clone(), faults: Counter::default() };
    let (guard, clock) = (RateLimitGuard::new(&store, &world.callers, limit), &world.clock);
    let function = Function { guard, counter: &store.faults, handled: AtomicU32::default(), clock };
    let here = "192.0.2.1";
    let (status, counted, _) = function.answer_to(here, &stale).await;
    assert_eq!((status, counted), (401, 1));
    for _ in 0..5 {
        assert_eq!(function.answer_to(here, &stale).await, (401, 0, 0), "refused from memory");
    }
    world.clock.advance(SignedDuration::from_secs(10));
    let valid = world.access_token(&ada);
    for _ in 0..2 {
        assert_eq!(function.answer_to(here, &valid).await, (204, 1, 1));
    }
    assert_eq!(function.answer_to(here, &valid).await.0, 429);
    assert_eq!(function.answer_to(here, &stale).await, (401, 0, 0));
}
