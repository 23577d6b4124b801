//! API tokens: how they are created, listed and deleted, and when they stop working.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::{
    endpoint::Programs,
    handlers::tasks::get_task,
    http::{Call, HttpEvent, Invocation, RateLimitGuard, respond},
};
use taskbell_domain::{
    api_token::{ApiScope, ApiToken, ApiTokenSecret, MAX_API_TOKENS, REMIND_BEFORE_EXPIRY},
    clock::Clock,
    ports::{ApiTokenChanges, Notifications},
    rate_limit::{FAILED_API_TOKENS, PASSWORD_CHECKS, RateLimit},
    task::Task,
    user::User,
};
use taskbell_test::{
    Outbox, SeededRandom,
    contract::Store,
    fixtures::{api_token, api_token_secret, now, space, user},
};

use taskbell_test_aws::Server;

use crate::meter::Meter;
use crate::support::{Answer, Event, PASSWORD, World, operator};

impl<S: Store> World<S> {
    async fn with_token(&self, function: &str, text: &str, ada: &User, task: &Task) -> Answer {
        let event = self.event(function, ada, task).await.without_header("if-match");
        self.send(&event.header("authorization", &format!("Bearer {text}"))).await
    }

    async fn create_token(&self, ada: &User, task: &Task, change: Value) -> Answer {
        let mut body = json!({
            "name": "Backup", "scopes": ["tasks:read"], "expires_at": "2026-06-01T00:00:00Z",
            "password": PASSWORD,
        });
        body.as_object_mut().expect("an object").extend(change.as_object().expect("one").clone());
        self.send(&self.event("create-api-token", ada, task).await.body(&body)).await
    }
}

#[tokio::test]
async fn a_new_token_is_shown_once_and_works() {
    let (world, ada, task) = World::seeded().await;
    let created =
        world.create_token(&ada, &task, json!({ "scopes": ["tasks:write", "tasks:read"] })).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.body["scopes"], json!(["tasks:read", "tasks:write"]));
    let text = created.body["token"].as_str().expect("a token").to_owned();
    assert!(ApiTokenSecret::parse(&text).is_some(), "{text}");
    assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, 200);
    assert_eq!(world.with_token("update-task", &text, &ada, &task).await.status, 200);

    let listed = world.send(&world.event("list-api-tokens", &ada, &task).await).await.body;
    let own = listed["items"].as_array().expect("items").iter();
    let own = own.into_iter().find(|item| item["id"] == created.body["id"]).expect("the token");
    assert_eq!(own["last_used_on"], "2026-03-01");
    assert!(own.get("token").is_none() && !listed.to_string().contains("tbk_"), "{listed}");
    let stored = world.store.api_tokens(ada.id).await.expect("an answer");
    assert!(!format!("{stored:?}").contains(&text[57..97]), "only a hash is stored");
}

#[tokio::test]
async fn a_token_is_refused_once_it_was_deleted_or_has_expired() {
    let (world, ada, task) = World::seeded().await;
    let text = api_token_secret(1, &ada).to_text();
    assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, 200);
    world.clock.advance(SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(1));
    assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, 200);
    world.clock.advance(SignedDuration::from_secs(1));
    let answer = world.with_token("get-task", &text, &ada, &task).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
    let listed = world.send(&world.event("list-api-tokens", &ada, &task).await).await.body;
    assert_eq!(listed["items"], json!([]), "expired ones are not listed");

    let created = world.create_token(&ada, &task, json!({})).await.body;
    let text = created["token"].as_str().expect("a token");
    let delete = world.event("delete-api-token", &ada, &task).await;
    let delete = delete.path("token_id", created["id"].as_str().expect("an id"));
    assert_eq!(world.send(&delete).await.status, 204);
    assert_eq!(world.with_token("get-task", text, &ada, &task).await.status, 401);
    assert_eq!(world.send(&delete).await.status, 404, "it is gone");
}

#[tokio::test]
async fn tokens_of_others_are_not_deleted() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let delete = world.event("delete-api-token", &eve, &task).await;
    let delete = delete.path("token_id", &api_token(1, &ada).id.to_string());
    assert_eq!(world.send(&delete).await.status, 404);
    assert_eq!(world.store.api_tokens(ada.id).await.expect("an answer").tokens.len(), 1);
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (world, ada, task) = World::seeded().await;
    let own = api_token_secret(1, &ada);
    let guessed = api_token_secret(2, &ada);
    let others = api_token_secret(1, &user(2));
    let other_secret = ApiTokenSecret::generate(ada.id, own.id, &SeededRandom::new(77));
    for forged in [&guessed, &others, &other_secret] {
        let answer = world.with_token("get-task", &forged.to_text(), &ada, &task).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{forged:?}");
    }
    let text = own.to_text();
    let end = &text[..text.len() - 1];
    for text in [end, &format!("{text}0"), "tbk_", &text.to_lowercase(), &text.replace("tbk_", "TBK_")]
    {
        let answer = world.with_token("get-task", text, &ada, &task).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{text}");
    }
    assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, 200);
}

#[tokio::test]
async fn a_password_reset_ends_all_tokens_and_a_block_suspends_them() {
    let (world, ada, task) = World::seeded().await;
    let text = api_token_secret(1, &ada).to_text();
    let block = world.event("update-user", &operator(), &task).await;
    let block = block.path("user_id", &ada.id.to_string());
    for (disabled, expected) in [(true, 403), (false, 200)] {
        let answer = world.send(&block.clone().body(&json!({ "disabled": disabled }))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, expected);
    }
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send(&world.event("reset-password", &ada, &task).await).await.status, 204);
    assert_eq!(world.with_token("get-task", &text, &ada, &task).await.status, 401);
    let listed = world.send(&world.event("list-api-tokens", &ada, &task).await).await.body;
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn a_token_is_created_only_with_the_password() {
    let (world, ada, task) = World::seeded().await;
    let wrong = json!({ "password": "six quiet bells at dawn" });
    let answer = world.create_token(&ada, &task, wrong.clone()).await;
    assert_eq!((answer.status, answer.errors()), (422, vec![("password", "wrong_password")]));
    for _ in 1..PASSWORD_CHECKS.max {
        world.create_token(&ada, &task, wrong.clone()).await;
    }
    let answer = world.create_token(&ada, &task, json!({})).await;
    assert_eq!(answer.status, 429, "guessing is limited: {}", answer.body);
    assert_eq!(world.store.api_tokens(ada.id).await.expect("an answer").tokens.len(), 1);
}

#[tokio::test]
async fn a_token_has_a_scope_an_expiry_within_a_year_and_a_space_of_its_user() {
    let (world, ada, task) = World::seeded().await;
    let theirs = space(2, &user(900)).0.id;
    for (change, field, code) in [
        (json!({ "scopes": [] }), "scopes", "too_short"),
        (json!({ "scopes": ["tasks:admin"] }), "scopes[0]", "unknown_value"),
        (json!({ "scopes": "tasks:read" }), "scopes", "wrong_type"),
        (json!({ "expires_at": null }), "expires_at", "required"),
        (json!({ "expires_at": "2026-03-01T08:00:00Z" }), "expires_at", "out_of_range"),
        (json!({ "expires_at": "2027-03-02T09:00:00Z" }), "expires_at", "out_of_range"),
        (json!({ "expires_at": "2026-06-01" }), "expires_at", "invalid_time"),
        (json!({ "name": "https://evil.example" }), "name", "contains_url"),
        (json!({ "space": theirs }), "space", "not_a_member"),
        (json!({ "space": "spc_x" }), "space", "invalid_id"),
    ] {
        let answer = world.create_token(&ada, &task, change.clone()).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![(field, code)]), "{change}");
        // Not to reach the limit of password checks.
        world.clock.advance(SignedDuration::from_mins(1));
    }
    let own = json!({ "space": space(1, &ada).0.id, "scopes": ["tasks:read", "tasks:read"] });
    let answer = world.create_token(&ada, &task, own).await;
    assert_eq!((answer.status, &answer.body["scopes"]), (201, &json!(["tasks:read"])));
}

#[tokio::test]
async fn a_user_has_at_most_twenty_tokens() {
    let (world, ada, task) = World::seeded().await;
    for number in 2..=MAX_API_TOKENS as u64 {
        let version = world.store.api_tokens(ada.id).await.expect("an answer").version;
        let token = api_token(number, &ada);
        assert!(world.store.add_api_token(&token, version, &[]).await.expect("an answer"));
    }
    let answer = world.create_token(&ada, &task, json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "too_many_api_tokens"));
    world.clock.advance(SignedDuration::from_hours(7 * 24));
    let answer = world.create_token(&ada, &task, json!({})).await;
    assert_eq!(answer.status, 201, "expired ones do not count: {}", answer.body);
}

#[tokio::test]
async fn the_owner_is_informed_of_a_new_token_and_a_week_before_it_expires() {
    let (world, ada, task) = World::seeded().await;
    let created = world.create_token(&ada, &task, json!({})).await.body;
    let expires_at: jiff::Timestamp =
        created["expires_at"].as_str().expect("a time").parse().expect("a time");
    let outbox = Outbox::default();
    for timer in world.queue.take() {
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    let mails = outbox.sent();
    let text =
        |mail: &taskbell_domain::ports::Mail| String::from_utf8_lossy(&mail.message).into_owned();
    assert_eq!(mails.len(), 1);
    let first = text(&mails[0]);
    assert!(first.contains("An API token was created") && first.contains("tasks:read"), "{first}");
    let secret = &created["token"].as_str().expect("a token")[57..];
    assert!(!first.contains(secret) && !first.contains("tbk_"), "{first}");

    world.clock.set(expires_at - REMIND_BEFORE_EXPIRY - SignedDuration::from_secs(30));
    world.dispatch().await;
    let timers = world.queue.take();
    world.clock.set(expires_at - REMIND_BEFORE_EXPIRY);
    for timer in &timers {
        world.handle(&outbox, *timer).await.expect("the message is handled");
    }
    let reminders = outbox.sent();
    assert!(text(reminders.last().expect("a mail")).contains("expires soon"));
}

#[tokio::test]
async fn a_deleted_token_causes_no_mail_about_its_expiry() {
    let (world, ada, task) = World::seeded().await;
    let created = world.create_token(&ada, &task, json!({})).await.body;
    let delete = world.event("delete-api-token", &ada, &task).await;
    let delete = delete.path("token_id", created["id"].as_str().expect("an id"));
    let list = world.store.api_tokens(ada.id).await.expect("an answer");
    let is_it = |(token, _): &&(ApiToken, _)| created["id"] == token.id.to_string();
    let notice = list.tokens.iter().find(is_it).and_then(|(token, _)| token.expiry_notification);
    let notice = notice.expect("a notification");
    assert!(world.store.notification(notice).await.expect("an answer").is_some());
    assert_eq!(world.send(&delete).await.status, 204);
    assert!(world.store.notification(notice).await.expect("an answer").is_none());
    assert!(world.clock.now() >= now());
}

#[tokio::test]
async fn a_request_with_a_token_costs_one_read_more_which_is_part_of_the_same_call() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let (ada, task) = world.seed().await;
    let callers = world.callers(Programs::WithScope(ApiScope::TasksRead));
    let guard = RateLimitGuard::new(&world.store, &callers, RateLimit::requests(600));
    let event = world.event("get-task", &ada, &task).await;
    let instance = Instance { world: &world, guard, event };
    let send = async |token: String| {
        meter.read();
        assert_eq!(instance.send("192.0.2.1", &token).await, 200);
        meter.read()
    };
    let session = send(world.access_token(&ada)).await;
    let token = api_token_secret(1, &ada).to_text();
    // A function reads a token that it does not know before anything else, and records the day of its use.
    let first = send(token.clone()).await;
    assert_eq!((first.calls, first.reads), (session.calls + 2, session.reads + 2.0));
    let next = send(token.clone()).await;
    assert_eq!((next.calls, next.steps), (session.calls, session.steps), "{next:?}");
    assert_eq!((next.reads, next.writes), (session.reads + 1.0, 0.0), "{next:?}");
    world.clock.advance(SignedDuration::from_hours(24));
    let tomorrow = send(token).await;
    assert_eq!((tomorrow.calls, tomorrow.writes), (session.calls + 1, 1.0), "{tomorrow:?}");
}

/// One instance of `get-task`.
struct Instance<'a, S: Store> {
    world: &'a World<S>,
    guard: RateLimitGuard<'a, S>,
    event: Event,
}

impl<S: Store> Instance<'_, S> {
    async fn send(&self, ip_address: &str, token: &str) -> u16 {
        let event = self.event.clone().header("authorization", &format!("Bearer {token}"));
        let mut event = event.json;
        event["requestContext"]["http"]["sourceIp"] = json!(ip_address);
        let received: HttpEvent = serde_json::from_value(event).expect("an event");
        let (clock, random) = (&self.world.clock, &self.world.random);
        let deadline = clock.now() + SignedDuration::from_secs(15);
        let invocation = Invocation { deadline, clock, random };
        let handler = async |call: &Call<'_>| get_task::handle(call, &self.world.store).await;
        respond(received, invocation, &self.guard, handler).await.status_code.as_u16()
    }
}

#[tokio::test]
async fn a_function_that_knows_a_token_refuses_it_at_once_when_it_was_deleted() {
    let (world, ada, task) = World::seeded().await;
    let callers = world.callers(Programs::WithScope(ApiScope::TasksRead));
    let guard = RateLimitGuard::new(&world.store, &callers, RateLimit::requests(600));
    let event = world.event("get-task", &ada, &task).await;
    let (token, instance) =
        (api_token_secret(1, &ada).to_text(), Instance { world: &world, guard, event });
    assert_eq!(instance.send("192.0.2.1", &token).await, 200);
    world.store.delete_api_token(&api_token(1, &ada)).await.expect("an answer");
    let again = [instance.send("192.0.2.1", &token).await, instance.send("192.0.2.1", &token).await];
    assert_eq!(again, [401, 401]);
}

#[tokio::test]
async fn tokens_that_fail_are_read_only_so_often_per_ip_address_and_minute() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let (ada, task) = world.seed().await;
    let callers = world.callers(Programs::WithScope(ApiScope::TasksRead));
    let guard = RateLimitGuard::new(&world.store, &callers, RateLimit::requests(600));
    let event = world.event("get-task", &ada, &task).await;
    let instance = Instance { world: &world, guard, event };
    let (valid, random) = (api_token_secret(1, &ada).to_text(), SeededRandom::new(77));
    let forged = || ApiTokenSecret::generate(ada.id, api_token(1, &ada).id, &random).to_text();
    let (here, elsewhere) = ("192.0.2.1", "192.0.2.2");
    for _ in 0..FAILED_API_TOKENS.max {
        meter.read();
        assert_eq!((instance.send(here, &forged()).await, meter.read().calls), (401, 1));
    }
    assert_eq!((instance.send(here, &forged()).await, meter.read().calls), (429, 0));
    assert_eq!(instance.send(here, &valid).await, 429, "it is not known yet");
    assert_eq!(instance.send(elsewhere, &valid).await, 200);
    assert_eq!(instance.send(here, &valid).await, 200, "a known token is not limited");
    assert_eq!(instance.send(elsewhere, &forged()).await, 401);
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(instance.send(here, &forged()).await, 401);
}

#[tokio::test]
async fn only_accepted_requests_are_recorded_as_uses_of_a_token() {
    let (world, ada, task) = World::seeded().await;
    let block = world.event("update-user", &operator(), &task).await;
    let block = block.path("user_id", &ada.id.to_string());
    assert_eq!(world.send(&block.clone().body(&json!({ "disabled": true }))).await.status, 200);
    let callers = world.callers(Programs::WithScope(ApiScope::TasksRead));
    let guard = RateLimitGuard::new(&world.store, &callers, RateLimit::requests(1));
    let event = world.event("get-task", &ada, &task).await;
    let (token, instance) =
        (api_token_secret(1, &ada).to_text(), Instance { world: &world, guard, event });
    let used = async || world.store.api_tokens(ada.id).await.expect("an answer").tokens[0].1;
    assert_eq!((instance.send("192.0.2.1", &token).await, used().await), (403, None));
    assert_eq!(world.send(&block.body(&json!({ "disabled": false }))).await.status, 200);
    let event = instance.event.clone();
    let guard = RateLimitGuard::new(&world.store, &callers, RateLimit::requests(0));
    let over_limit = Instance { world: &world, guard, event };
    assert_eq!((over_limit.send("192.0.2.1", &token).await, used().await), (429, None));
    let today = Some(world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date());
    assert_eq!((instance.send("192.0.2.1", &token).await, used().await), (200, today));
}
