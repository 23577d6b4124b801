//! Limits hold under concurrent requests, because their conditions are part of the writes.

use futures_util::future::join_all;
use serde_json::json;
use taskbell_domain::{
    comment::MAX_COMMENTS,
    invitation::MAX_INVITATIONS,
    ports::{Commented, SpaceChanges},
    space::MAX_SPACES,
};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{comment, space, user},
};
use taskbell_test_aws::Server;

use crate::support::{Answer, Event, World};

/// How many of the answers have a status.
fn with(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

impl<S: taskbell_test::contract::Store> World<S> {
    /// The answers to concurrent requests with the same event. Requests that are told to retry do so.
    async fn send_concurrently(&self, event: &Event, times: usize) -> Vec<Answer> {
        join_all((0..times).map(async |_| {
            for _ in 0..50 {
                let answer = self.send(event).await;
                if answer.status != 503 && answer.code() != "busy" {
                    return answer;
                }
            }
            panic!("it stays busy")
        }))
        .await
    }
}

#[tokio::test]
async fn concurrent_uses_of_a_reset_code_succeed_once() {
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (ada, task) = world.seed().await;
    let event = world.event("reset-password", &ada, &task).await;
    let answers = world.send_concurrently(&event, 4).await;
    assert_eq!((with(&answers, 204), with(&answers, 404)), (1, 3));
}

#[tokio::test]
async fn concurrent_creations_do_not_exceed_the_maximum_of_spaces() {
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (ada, task) = world.seed().await;
    let present = world.store.memberships(ada.id).await.expect("no store error").spaces;
    for number in 0..MAX_SPACES - present - 3 {
        let (one, owner) = space(100 + number as u64, &ada);
        world.store.create_space(&one, &owner, None, None).await.expect("no store error");
    }
    let event = world.event("create-space", &ada, &task).await.without_header("idempotency-key");
    let answers = world.send_concurrently(&event, 12).await;
    assert_eq!((with(&answers, 201), with(&answers, 409)), (3, 9));
    let refused = answers.iter().find(|answer| answer.status == 409).expect("one");
    assert_eq!(refused.code(), "too_many_spaces");
    assert_eq!(world.store.memberships(ada.id).await.expect("no store error").spaces, MAX_SPACES);
    let accept = world.event("accept-invitation", &ada, &task).await;
    assert_eq!(world.send(&accept).await.code(), "too_many_spaces");
}

#[tokio::test]
async fn concurrent_invitations_of_one_address_send_one_mail() {
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (ada, task) = world.seed().await;
    let event = world.event("invite-member", &ada, &task).await.without_header("idempotency-key");
    let event = event.body(&json!({ "email": "new@example.com" }));
    world.queue.take();
    let answers = world.send_concurrently(&event, 6).await;
    assert_eq!((with(&answers, 201), with(&answers, 409)), (1, 5));
    assert_eq!(world.queue.take().len(), 1);
}

#[tokio::test]
async fn the_maximum_of_open_invitations_applies_across_days() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("invite-member", &ada, &task).await.without_header("idempotency-key");
    let invite = async |number: usize| {
        let body = json!({ "email": format!("guest{number}@example.com") });
        // Time passes, so that the rate limit per user does not apply.
        world.clock.advance(jiff::SignedDuration::from_mins(30));
        let bearer = format!("Bearer {}", world.access_token(&ada));
        world.send(&event.clone().body(&body).header("authorization", &bearer)).await
    };
    for number in 0..MAX_INVITATIONS {
        let made = invite(number).await;
        assert_eq!(made.status, 201, "{number}: {}", made.body);
    }
    assert_eq!(invite(MAX_INVITATIONS).await.code(), "too_many_invitations");
}

#[tokio::test]
async fn an_address_cannot_be_invited_again_at_once_after_a_revocation() {
    let (world, ada, task) = World::seeded().await;
    let email = user(77).email;
    let event = world.event("invite-member", &ada, &task).await.without_header("idempotency-key");
    let event = event.body(&json!({ "email": email }));
    assert_eq!(world.send(&event).await.status, 201);
    let mails = world.mails().await;
    let revoke = world.event("revoke-invitation", &ada, &task).await;
    let revoke = revoke.path("invitation_id", &email.hash());
    assert_eq!(world.send(&revoke).await.status, 204);
    let again = world.send(&event).await;
    assert_eq!((again.status, again.code()), (409, "invited_recently"));

    // The unsubscribe link of the sent mail still works.
    let text = mails[0].1.replace("\r\n ", "");
    let link = text.split("/v1/unsubscribe/").nth(1).expect("a link");
    let token = link.split('>').next().expect("its end");
    let unsubscribe = world.event("unsubscribe", &ada, &task).await;
    let mut press = unsubscribe.clone().path("token", token);
    press.json["requestContext"]["http"]["method"] = json!("POST");
    assert_eq!(world.send(&press).await.status, 200);
    let forged = token.replace(&email.hash(), &user(78).email.hash());
    assert_eq!(world.send(&press.path("token", &forged)).await.status, 404);
    world.clock.advance(jiff::SignedDuration::from_mins(11));
    let bearer = format!("Bearer {}", world.access_token(&ada));
    assert_eq!(world.send(&event.header("authorization", &bearer)).await.status, 201);
    let outbox = Outbox::default();
    world.deliver_all(&outbox).await;
    assert!(outbox.sent().iter().all(|mail| mail.to != email), "the address gets no more mail");
}

#[tokio::test]
async fn a_task_has_a_maximum_of_comments_and_a_deletion_makes_room() {
    let server = Server::start().await;
    let (dynamodb, memory) = (server.store(server.client()), MemoryStore::default());
    check_maximum_of_comments(World::on(memory)).await;
    check_maximum_of_comments(World::on(dynamodb)).await;
}

async fn check_maximum_of_comments<S: taskbell_test::contract::Store>(world: World<S>) {
    let (ada, task) = world.seed().await;
    for number in 2..=u64::from(MAX_COMMENTS) {
        let added = world.store.add_comment(&comment(number, &task, &ada), None).await;
        assert!(matches!(added.expect("no store error"), Commented::Created(_)), "{number}");
    }
    let event = world.event("create-comment", &ada, &task).await.without_header("idempotency-key");
    let refused = world.send(&event).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_comments"));
    let delete = world.event("delete-comment", &ada, &task).await;
    assert_eq!(world.send(&delete).await.status, 204);
    assert_eq!(world.send(&delete).await.status, 404);
    assert_eq!(world.send(&event).await.status, 201, "a repeated deletion frees one place only");
    assert_eq!(world.send(&event).await.code(), "too_many_comments");
    let deleted =
        world.send(&world.event("delete-task", &ada, &task).await.without_header("if-match")).await;
    assert_eq!(deleted.status, 204, "{}", deleted.body);
    let page = world.store.comments(task.id, None, 10).await.expect("no store error");
    assert!(page.items.is_empty(), "they are deleted with the task");
}
