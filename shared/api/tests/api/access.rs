//! Checks beyond the policy of roles: blocked and former members, maxima, and the time of the check.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    invitation::{INVITATION_PAUSE, Invitation},
    membership::MemberChange,
    notification::NotificationKind,
    ports::{Comments, ProfileChanges, Replaced, SpaceChanges, SpaceReads, TaskCreation},
    space::{MAX_MEMBERS, MAX_SPACES},
    task::Task,
    user::{MailKind, MailSuppression, SuppressionReason, User},
};
use taskbell_test::{
    Outbox,
    fixtures::{comment, draft, notification, now, space, task, user},
};

use crate::support::{World, collaborator, invitation_of};

async fn change(world: &World, user: User) {
    let read = user.version;
    let changed = User { version: read + 1, ..user };
    let replaced = world.store.replace_user(&changed, read, None).await.expect("no store error");
    assert_eq!(replaced, Replaced::Stored);
}

/// A task of user 1 in the space that they share with the collaborator.
async fn shared_task(world: &World, ada: &User) -> Task {
    let made = Task { space: space(1, ada).0.id, ..task(50, ada, draft("Shared")) };
    world.store.create(&made, None, None).await.expect("no store error");
    made
}

#[tokio::test]
async fn only_the_author_and_admins_delete_a_comment() {
    let (world, ada, _) = World::seeded().await;
    let shared = shared_task(&world, &ada).await;
    let theirs = comment(1, &shared, &ada);
    world.store.add_comment(&theirs, None).await.expect("no store error");
    let event = world.event("delete-comment", &collaborator(), &shared).await;
    assert_eq!(world.send(&event).await.status, 403);
    let stored = world.store.comment(shared.id, theirs.id).await.expect("no store error");
    assert_eq!(stored, Some(theirs));
    let promote = world.event("update-member", &ada, &shared).await;
    assert_eq!(world.send(&promote.body(&json!({ "role": "admin" }))).await.status, 200);
    assert_eq!(world.send(&event).await.status, 204);
}

#[tokio::test]
async fn an_admin_cannot_remove_an_owner() {
    let (world, ada, task) = World::seeded().await;
    let promote = world.event("update-member", &ada, &task).await;
    assert_eq!(world.send(&promote.body(&json!({ "role": "admin" }))).await.status, 200);
    let event =
        world.event("remove-member", &collaborator(), &task).await.path("user_id", &ada.id.to_string());
    let refused = world.send(&event).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn an_invitation_from_a_disabled_account_is_invalid() {
    let (world, ada, task) = World::seeded().await;
    change(&world, User { disabled_at: Some(now()), ..collaborator() }).await;
    let refused = world.send(&world.event("accept-invitation", &ada, &task).await).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_invitation"));
}

#[tokio::test]
async fn an_invitation_from_a_former_member_is_invalid() {
    let (world, ada, task) = World::seeded().await;
    let (_, invitation) = invitation_of(&ada);
    let gone = world.register(7).await;
    let invitation = Invitation { invited_by: gone.id, ..invitation };
    let kind = NotificationKind::Invitation { to: ada.email.clone(), space: invitation.space };
    world.store.invite(&invitation, &notification(5, kind), None, None).await.expect("no store error");
    let refused = world.send(&world.event("accept-invitation", &ada, &task).await).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_invitation"));
}

#[tokio::test]
async fn no_invitation_is_mailed_to_a_disabled_account() {
    for (disabled_at, sent) in [(None, 1), (Some(now()), 0)] {
        let (world, ada, task) = World::seeded().await;
        let guest = world.register(7).await;
        change(&world, User { disabled_at, ..guest.clone() }).await;
        let event = world.event("invite-member", &ada, &task).await;
        let answer = world.send(&event.body(&json!({ "email": guest.email }))).await;
        assert_eq!(answer.status, 201, "the response does not reveal the account: {}", answer.body);
        assert_eq!(world.mails().await.len(), sent);
    }
}

#[tokio::test]
async fn no_assignment_mail_goes_to_a_user_who_was_unassigned_or_has_left() {
    for (change, sent) in [("nothing", 1), ("unassigned", 0), ("left", 0)] {
        let (world, ada, _) = World::seeded().await;
        let body = json!({ "title": "t", "assigned_to": collaborator().id });
        let made = world.shared_task(&ada, &body).await;
        let id = made.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let task = world.stored(id).await;
        if change == "unassigned" {
            let event = world.event("update-task", &ada, &task).await.without_header("if-match");
            let answer = world.send(&event.body(&json!({ "assigned_to": null }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        if change == "left" {
            let found = world
                .store
                .space_and_member(task.space, collaborator().id)
                .await
                .expect("no store error");
            let (mut shared, member) = found.expect("a member");
            let (read, change) = (shared.version, MemberChange::Leave(member));
            shared.apply(&change, now()).expect("a valid change");
            assert!(world.store.change_member(&shared, read, &change).await.expect("no store error"));
        }
        assert_eq!(world.mails().await.len(), sent, "{change}");
    }
}

/// The hours that pass, the change of the account, and the number of mails that are sent.
type Case = (i64, fn(User, MailSuppression) -> User, usize);

#[tokio::test]
async fn no_expired_code_is_mailed_and_none_to_disabled_or_complaining_accounts() {
    let stopped = MailSuppression { reason: SuppressionReason::Complained, at: now() };
    let changes: [Case; 4] = [
        (0, |user, _| user, 1),
        (1, |user, _| user, 0),
        (0, |user, _| User { disabled_at: Some(now()), ..user }, 0),
        (0, |user, stop| User { email_verified_at: None, mail_stopped: Some(stop), ..user }, 0),
    ];
    for (number, (hours, changed, sent)) in changes.into_iter().enumerate() {
        let (world, ada, task) = World::seeded().await;
        assert_eq!(world.as_user("forgot-password", &ada, &task).await.status, 202);
        change(&world, changed(ada, stopped)).await;
        world.clock.advance(SignedDuration::from_hours(hours));
        assert_eq!(world.mails().await.len(), sent, "{number}");
    }
}

#[tokio::test]
async fn only_the_latest_pending_invitation_is_mailed() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("invite-member", &ada, &task).await.without_header("idempotency-key");
    for _ in 0..2 {
        assert_eq!(world.send(&event).await.status, 201);
        world.clock.advance(INVITATION_PAUSE);
    }
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn only_an_account_with_a_verified_address_can_refuse_invitations() {
    for (email_verified_at, sent) in [(Some(now()), 0), (None, 1)] {
        let (world, ada, task) = World::seeded().await;
        let mut guest = world.register(7).await;
        guest.mail.set(MailKind::Invitations, false);
        change(&world, User { email_verified_at, ..guest.clone() }).await;
        let event = world.event("invite-member", &ada, &task).await;
        let answer = world.send(&event.body(&json!({ "email": guest.email }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(world.mails().await.len(), sent);
    }
}

#[tokio::test]
async fn a_space_has_a_maximum_of_members() {
    for (others, status) in [(MAX_MEMBERS - 1, 200), (MAX_MEMBERS, 409)] {
        let (world, ada, task) = World::seeded().await;
        let id = space(2, &collaborator()).0.id;
        let mut theirs = world.store.space(id).await.expect("no store error").expect("the space");
        let read = theirs.version;
        (theirs.member_count, theirs.version) = (others, read + 1);
        world.store.replace_space(&theirs, read).await.expect("no store error");
        let answer = world.send(&world.event("accept-invitation", &ada, &task).await).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(status == 200 || answer.code() == "space_full", "{}", answer.body);
    }
}

#[tokio::test]
async fn a_user_has_a_maximum_of_spaces() {
    let (world, ada, task) = World::seeded().await;
    for number in 1..MAX_SPACES as u64 {
        let (one, owner) = space(1_000 + number, &ada);
        world.store.create_space(&one, &owner, None, None).await.expect("no store error");
    }
    let before = world.store.contents();
    for function in ["create-space", "accept-invitation"] {
        let refused = world.send(&world.event(function, &ada, &task).await).await;
        assert_eq!((refused.status, refused.code()), (409, "too_many_spaces"), "{function}");
    }
    assert!(world.store.contents() == before, "the store is unchanged");
}

#[tokio::test]
async fn a_space_in_deletion_is_hidden_and_its_deletion_can_be_completed() {
    let (world, ada, _) = World::seeded().await;
    let task = shared_task(&world, &ada).await;
    let mut shared = world.store.space(task.space).await.expect("no store error").expect("the space");
    let read = shared.version;
    shared.begin_deletion(now());
    world.store.replace_space(&shared, read).await.expect("no store error");
    let before = world.store.contents();
    for function in [
        "get-space",
        "update-space",
        "list-members",
        "update-member",
        "remove-member",
        "list-invitations",
        "invite-member",
        "get-task",
        "complete-task",
        "create-comment",
    ] {
        let answer = world.send(&world.event(function, &ada, &task).await).await;
        assert_eq!(answer.status, 404, "{function}: {}", answer.body);
    }
    assert!(world.store.contents() == before, "the store is unchanged");
    assert_eq!(world.send(&world.event("delete-space", &ada, &task).await).await.status, 204);
    assert_eq!(world.store.space(shared.id).await.expect("no store error"), None);
}

#[tokio::test]
async fn an_account_with_an_unverified_address_sends_no_invitations() {
    for (verified, sent) in [(true, 1), (false, 0)] {
        let (world, ada, task) = World::seeded().await;
        let outbox = Outbox::default();
        world.dispatch().await;
        world.deliver_all(&outbox).await;
        let before = outbox.sent().len();
        if !verified {
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
    let (world, ada, task) = World::seeded().await;
    let operation = json!({ "op": "create", "space": space(1, &ada).0.id, "task": { "title": "t" } });
    let event = world.event("batch-tasks", &collaborator(), &task).await.header("idempotency-key", "k");
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
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &collaborator(), &task).await;
    let event = event.query(&format!("space={}", space(1, &ada).0.id));
    assert_eq!(world.send(&event).await.status, 201);
    assert_eq!(world.send(&event).await.headers["idempotent-replayed"], "true");
    let removed = world.send(&world.event("remove-member", &ada, &task).await).await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    let again = world.send(&event).await;
    assert_eq!((again.status, again.code()), (409, "already_deleted"), "{}", again.body);
}
