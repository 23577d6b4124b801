//! Rate limits and quotas.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{
    endpoint::{ENDPOINTS, RequestLimit},
    links::LinkAction,
};
use taskbell_domain::{
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::{Notifications, ProfileChanges, RateLimits},
    quota::Quota,
    rate_limit::{
        ASSIGNMENTS, CODES, INVITATIONS, LINKS, LOG_INS_TO_ACCOUNT, OPERATIONS, REFRESHES, RateLimit,
        RateLimitKey,
    },
    reminder::LeadTime,
    secret::sha256_hex,
    user::User,
};
use taskbell_test::fixtures::{NOW, draft, notification};

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
    let kind = NotificationKind::Code {
        to: operator().id,
        purpose: Purpose::Operator,
        address: None,
        secret_hash,
    };
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
    let event = world.event("complete-task", &ada, &task).await.without_header("if-match");
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
    let theirs = world.event("complete-task", &ada, &task).await.without_header("if-match");
    assert_eq!(world.send(&theirs).await.status, 200);
    assert_eq!(world.send(&theirs).await.status, 429);
    let bob = world.register(2).await;
    let own = world.create(2, &bob, draft("Rest")).await;
    let other = world.event("complete-task", &bob, &own).await.without_header("if-match");
    assert_eq!(world.send(&other).await.status, 200);
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
