//! Idempotency keys on every POST that creates a resource; those of tasks are in `tasks.rs` and `batch.rs`.

use serde_json::json;
use taskbell_domain::{ports::SpaceReads, timer::TimerTarget};

use crate::support::World;

const KEYED: [&str; 4] = ["create-space", "create-comment", "invite-member", "create-notification"];

#[tokio::test]
async fn the_same_key_and_body_create_one_resource_and_return_the_same_response() {
    for function in KEYED {
        let (world, ada, task) = World::seeded().await;
        let event = world.event(function, &ada, &task).await.header("idempotency-key", "k-1");
        let first = world.send(&event).await;
        assert_eq!(first.status, 201, "{function}: {}", first.body);
        assert!(!first.headers.contains_key("idempotent-replayed"), "{function}");
        let (before, queued) = (world.store.contents(), world.queue.take().len());
        let again = world.send(&event).await;
        assert_eq!((again.status, &again.body), (201, &first.body), "{function}");
        assert_eq!(again.headers["idempotent-replayed"], "true", "{function}");
        assert_eq!(again.headers.get("location"), first.headers.get("location"), "{function}");
        assert!(world.store.contents() == before, "{function} changed the store");
        assert!(world.queue.take().is_empty() && queued <= 1, "{function} enqueued a timer");

        let mut body: serde_json::Value =
            serde_json::from_str(event.json["body"].as_str().expect("a body")).expect("JSON");
        let (field, value) = match function {
            "create-space" => ("name", "Something else"),
            "invite-member" => ("role", "viewer"),
            _ => ("text", "Something else"),
        };
        body[field] = json!(value);
        let other = world.send(&event.clone().body(&body)).await;
        assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"), "{function}");
        let without = world.send(&event.header("idempotency-key", "")).await;
        assert_eq!(without.errors(), [("Idempotency-Key", "invalid_length")], "{function}");
    }
}

#[tokio::test]
async fn the_same_key_on_another_route_is_refused() {
    let (world, ada, task) = World::seeded().await;
    let body = json!({"name": "Home"});
    let space = world.event("create-space", &ada, &task).await.header("idempotency-key", "k-1");
    assert_eq!(world.send(&space.body(&body)).await.status, 201);
    let comment = world.event("create-comment", &ada, &task).await.header("idempotency-key", "k-1");
    let answer = world.send(&comment).await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency_key_reused"));
}

#[tokio::test]
async fn a_key_whose_resource_was_deleted_gets_409() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-comment", &ada, &task).await.header("idempotency-key", "k-1");
    let made = world.send(&event).await;
    let id = made.body["id"].as_str().expect("an id");
    let delete = world.event("delete-comment", &ada, &task).await.path("comment_id", id);
    assert_eq!(world.send(&delete).await.status, 204);
    let again = world.send(&event).await;
    assert_eq!((again.status, again.code()), (409, "already_deleted"));
}

#[tokio::test]
async fn a_replayed_invitation_gets_201_within_its_pause_and_is_mailed_once() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("invite-member", &ada, &task).await;
    let keyed = event.clone().header("idempotency-key", "k-1");
    assert_eq!(world.send(&keyed).await.status, 201);
    assert_eq!(world.send(&keyed).await.status, 201);
    assert_eq!(world.send(&event).await.code(), "invited_recently", "without the key");
    let queued = world.queue.take();
    assert!(
        matches!(queued.as_slice(), [timer] if matches!(timer.target, TimerTarget::Notification(_)))
    );
    let space = world.event("get-space", &ada, &task).await;
    let id = space.json["pathParameters"]["space_id"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(world.store.invitations(id).await.expect("no store error").len(), 1);
}
