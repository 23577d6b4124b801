//! Checks that stand beside the policy: whose role counts, when, and for what.

use serde_json::json;
use taskbell_domain::{
    ports::{Comments, ProfileChanges, Replaced, TaskCreation},
    task::Task,
    user::User,
};
use taskbell_test::{
    Outbox,
    fixtures::{comment, draft, now, space, task, user},
};

use crate::support::{World, mate};

async fn change(world: &World, user: User) {
    let read = user.version;
    let changed = User { version: read + 1, ..user };
    let replaced = world.store.replace_user(&changed, read, None).await.expect("an answer");
    assert_eq!(replaced, Replaced::Done);
}

/// A task of user 1 in the space that they share with the mate.
async fn shared_task(world: &World, ada: &User) -> Task {
    let made = Task { space: space(1, ada).0.id, ..task(50, ada, draft("Shared")) };
    world.store.create(&made, None, None).await.expect("an answer");
    made
}

#[tokio::test]
async fn a_comment_is_deleted_by_who_made_it_and_by_who_manages_the_space() {
    let (world, ada, _) = World::inhabited().await;
    let shared = shared_task(&world, &ada).await;
    let theirs = comment(1, &shared, &ada);
    world.store.add_comment(&theirs, None).await.expect("an answer");
    let event = world.event("delete-comment", &mate(), &shared).await;
    assert_eq!(world.send(&event).await.status, 403);
    let stored = world.store.comment(shared.id, theirs.id).await.expect("an answer");
    assert_eq!(stored, Some(theirs));
    let promote = world.event("update-member", &ada, &shared).await;
    assert_eq!(world.send(&promote.body(&json!({ "role": "admin" }))).await.status, 200);
    assert_eq!(world.send(&event).await.status, 204);
}

#[tokio::test]
async fn an_admin_removes_no_owner() {
    let (world, ada, task) = World::inhabited().await;
    let promote = world.event("update-member", &ada, &task).await;
    assert_eq!(world.send(&promote.body(&json!({ "role": "admin" }))).await.status, 200);
    let event = world.event("remove-member", &mate(), &task).await.path("user_id", &ada.id.to_string());
    let refused = world.send(&event).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn the_invitation_of_a_disabled_account_lets_nobody_in() {
    let (world, ada, task) = World::inhabited().await;
    change(&world, User { disabled_at: Some(now()), ..mate() }).await;
    let refused = world.send(&world.event("accept-invitation", &ada, &task).await).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_invitation"));
}

#[tokio::test]
async fn an_account_whose_address_is_not_proven_sends_no_invitation() {
    for (proven, sent) in [(true, 1), (false, 0)] {
        let (world, ada, task) = World::inhabited().await;
        let outbox = Outbox::default();
        world.sweep().await;
        world.deliver_all(&outbox).await;
        let before = outbox.sent().len();
        if !proven {
            change(&world, User { email_verified_at: None, ..ada.clone() }).await;
        }
        let invited = user(7).email;
        let event = world.event("invite-member", &ada, &task).await;
        let answer = world.send(&event.body(&json!({ "email": invited }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        world.deliver_all(&outbox).await;
        let mails = outbox.sent().split_off(before);
        assert_eq!(mails.len(), sent);
        assert!(mails.iter().all(|mail| mail.to == invited));
    }
}

#[tokio::test]
async fn a_replayed_batch_shows_no_task_of_a_space_that_was_left() {
    let (world, ada, task) = World::inhabited().await;
    let operation = json!({ "op": "create", "space": space(1, &ada).0.id, "task": { "title": "t" } });
    let event = world.event("batch-tasks", &mate(), &task).await.header("idempotency-key", "k");
    let event = event.body(&json!({ "operations": [operation] }));
    let result = async || world.send(&event).await.body["results"][0].clone();
    let first = result().await;
    assert_eq!((&first["status"], &first["task"]["title"]), (&json!(201), &json!("t")));
    let removed = world.send(&world.event("remove-member", &ada, &task).await).await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    let again = result().await;
    assert_eq!((&again["replayed"], &again["task"]), (&json!(true), &json!(null)), "{again}");
}

#[tokio::test]
async fn a_replayed_creation_shows_no_task_of_a_space_that_was_left() {
    let (world, ada, task) = World::inhabited().await;
    let event = world.event("create-task", &mate(), &task).await;
    let event = event.query(&format!("space={}", space(1, &ada).0.id));
    assert_eq!(world.send(&event).await.status, 201);
    assert_eq!(world.send(&event).await.headers["idempotent-replayed"], "true");
    let removed = world.send(&world.event("remove-member", &ada, &task).await).await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    let again = world.send(&event).await;
    assert_eq!((again.status, again.code()), (409, "already_deleted"), "{}", again.body);
}
