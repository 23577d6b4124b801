//! How often somebody may call.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    counts::Quota,
    limit::{INVITATIONS, LINKS, LOG_INS_TO_ACCOUNT, Limit, REFRESHES, Subject},
    ports::Limits,
};
use taskbell_test::{fixtures::NOW, template::resources};

use crate::{
    functions::name_of,
    support::{PASSWORD, World},
};

/// Where the requests in `events/` come from.
const ADDRESS: &str = "192.0.2.1";

async fn use_up(world: &World, limit: Limit, subject: &Subject) {
    for _ in 0..limit.most {
        world.store.count(&limit, subject, 1, NOW.parse().expect("a time")).await.expect("an answer");
    }
}

#[tokio::test]
async fn every_function_refuses_what_is_too_much_and_changes_nothing() {
    let mut refused = 0;
    for id in resources("AWS::Serverless::Function").keys() {
        let function = name_of(id);
        let (mut world, ada, task) = World::inhabited().await;
        world.requests = 0;
        let here = Subject::address(ADDRESS);
        for limit in [Limit::registrations(20), Limit::log_ins(60), REFRESHES, LINKS] {
            use_up(&world, limit, &here).await;
        }
        let of_the_api = !["get-health", "get-openapi"].contains(&function.as_str());
        let worker = [
            "count-tasks",
            "dispatch-due-timers",
            "send-reminders",
            "record-mail-events",
            "create-signing-key",
        ];
        if !of_the_api || worker.contains(&function.as_str()) {
            continue;
        }
        let event = world.event(&function, &ada, &task).await;
        let before = world.store.contents();
        let answer = world.send(&event).await;
        let expected = (429, "too_many_requests");
        assert_eq!((answer.status, answer.code()), expected, "{function}: {}", answer.body);
        let wait = if function == "register-user" { "3600" } else { "60" };
        assert_eq!(answer.headers["retry-after"], wait, "{function}");
        assert!(world.store.contents() == before, "{function} has changed something");
        assert!(world.queue.take().is_empty(), "{function} has queued something");
        refused += 1;
    }
    assert!(refused > 30, "{refused}");
}

#[tokio::test]
async fn every_answer_tells_what_is_left_and_a_new_minute_begins_anew() {
    let (mut world, ada, task) = World::inhabited().await;
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
async fn one_user_does_not_use_up_what_another_has() {
    let (mut world, ada, task) = World::inhabited().await;
    world.requests = 1;
    let theirs = world.event("list-tasks", &ada, &task).await;
    assert_eq!(world.send(&theirs).await.status, 200);
    assert_eq!(world.send(&theirs).await.status, 429);
    let bob = world.register(2).await;
    assert_eq!(world.send(&world.event("list-tasks", &bob, &task).await).await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_valid_token_counts_for_nobody() {
    let (mut world, ada, task) = World::inhabited().await;
    world.requests = 1;
    let event = world.event("get-task", &ada, &task).await;
    let strange = event.clone().header("authorization", "Bearer x.y.z");
    for _ in 0..3 {
        assert_eq!(world.send(&strange).await.status, 401);
    }
    assert_eq!(world.send(&event).await.status, 200);
}

#[tokio::test]
async fn guessing_a_password_is_stopped_where_it_happens_and_locks_nobody_else_out() {
    let (world, ada, task) = World::inhabited().await;
    let event = world.event("log-in", &ada, &task).await;
    let wrong = event.clone().body(&json!({ "email": ada.email, "password": "wrong wrong wrong" }));
    let here = Subject::account(ADDRESS, &ada.email);
    for _ in 1..LOG_INS_TO_ACCOUNT.most {
        world
            .store
            .count(&LOG_INS_TO_ACCOUNT, &here, 1, NOW.parse().expect("a time"))
            .await
            .expect("one");
    }
    assert_eq!(world.send(&wrong).await.status, 401, "the last attempt");
    assert_eq!(world.send(&wrong).await.status, 429);
    assert_eq!(world.send(&event).await.status, 429, "the right one does not help here");
    let right = json!({ "email": ada.email, "password": PASSWORD });
    let mut elsewhere = event.clone().body(&right);
    elsewhere.json["requestContext"]["http"]["sourceIp"] = json!("192.0.2.77");
    assert_eq!(world.send(&elsewhere).await.status, 200, "she logs in from where she is");
    let bob = world.register(2).await;
    let other = event.body(&json!({ "email": bob.email, "password": PASSWORD }));
    assert_eq!(world.send(&other).await.status, 200, "another account from the same address");
}

#[tokio::test]
async fn a_user_sends_only_so_many_invitations_a_day() {
    let (world, ada, task) = World::inhabited().await;
    use_up(&world, INVITATIONS, &Subject::user(ada.id)).await;
    let answer = world.send(&world.event("invite-member", &ada, &task).await).await;
    assert_eq!((answer.status, answer.code()), (429, "too_many_requests"));
}

#[tokio::test]
async fn what_a_space_has_no_room_for_is_refused_and_a_replay_still_answered() {
    let (mut world, ada, known) = World::inhabited().await;
    let event = world.event("create-task", &ada, &known).await;
    let made = world.send(&event).await;
    assert_eq!(made.status, 201, "{}", made.body);
    world.quota.tasks = 1; // and one is counted
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
    assert_eq!(world.send(&update.body(&other)).await.status, 200, "no more than there were");

    world.quota.tasks = 3; // two are left, as one is counted
    let create = json!({"op": "create", "task": {"title": "t"}});
    let batch = world.event("batch-tasks", &ada, &known).await.without_header("idempotency-key");
    let batch = batch.body(&json!({"operations": [create, create, create]}));
    let results = world.send(&batch).await.body["results"].clone();
    let statuses: Vec<_> =
        results.as_array().expect("results").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [201, 201, 409], "{results}");
}
