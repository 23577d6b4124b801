//! Invitations: sent, accepted, listed and revoked.

use serde_json::json;
use taskbell_domain::{
    delivery::DeliveryStatus,
    invitation::{INVITATION_LIFETIME, INVITATION_PAUSE, MAX_INVITATIONS},
    ports::Notifications,
    space::Role,
    timer::TimerTarget,
};
use taskbell_test::Outbox;

use crate::support::World;

/// The code in the text part of an invitation.
fn code_in(mail: &str) -> String {
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let word = text.split_whitespace().find(|word| word.len() > 100 && word.matches('.').count() == 2);
    word.expect("a code").to_owned()
}

#[tokio::test]
async fn an_invitation_is_mailed_and_works_once_until_it_expires() {
    let (world, ada, task) = World::seeded().await;
    let grace = world.register(20).await;
    let invite = async || {
        // Applies even if the previous invitation was used or revoked.
        world.clock.advance(INVITATION_PAUSE);
        let event = world.event("invite-member", &ada, &task).await;
        let body = json!({"email": "User20@example.com", "role": "viewer"});
        let answer = world.send(&event.body(&body)).await;
        assert_eq!((answer.status, answer.body["role"].clone()), (201, json!("viewer")));
        assert!(!answer.body.to_string().contains("token"));
        let mails = world.mails().await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].0, "User20@example.com");
        assert!(mails[0].1.contains("Subject: User 1 invited you to join Space 1"));
        code_in(&mails[0].1)
    };
    let accept = async |code: &str| {
        let event = world.event("accept-invitation", &grace, &task).await;
        world.send(&event.body(&json!({"token": code}))).await
    };
    let first = invite().await;
    let event = world.event("invite-member", &ada, &task).await;
    let again = world.send(&event.body(&json!({"email": "user20@EXAMPLE.com"}))).await;
    assert_eq!((again.status, again.code()), (409, "invited_recently"));
    let pause = || world.clock.advance(INVITATION_PAUSE);
    pause();
    let second = invite().await;
    for bad in ["", "x", &first, &second[1..], &format!("{second}0"), &second.to_uppercase()] {
        let refused = accept(bad).await;
        assert_eq!((refused.status, refused.code()), (404, "invalid_invitation"), "{bad}");
    }
    let joined = accept(&second).await;
    assert_eq!(
        (joined.status, &joined.body["role"], &joined.body["members"]),
        (200, &json!("viewer"), &json!(3))
    );
    assert_eq!(accept(&second).await.code(), "invalid_invitation", "it works once");
    let third = invite().await;
    assert_eq!(accept(&third).await.code(), "already_member");
    pause();
    let fourth = invite().await;
    world.clock.advance(INVITATION_LIFETIME);
    assert_eq!(accept(&fourth).await.code(), "invalid_invitation", "it has expired");
}

#[tokio::test]
async fn a_duplicate_queue_message_does_not_mail_an_invitation_again() {
    let (world, ada, task) = World::seeded().await;
    world.as_user("invite-member", &ada, &task).await;
    let timers = world.queue.take();
    let outbox = Outbox::default();
    for _ in 0..3 {
        world.handle(&outbox, timers[0]).await.expect("the message is handled");
    }
    assert_eq!(outbox.sent().len(), 1);
    let TimerTarget::Notification(id) = timers[0].target else { panic!("it is a notification") };
    let notification =
        world.store.notification(id).await.expect("no store error").expect("the notification");
    assert_eq!(
        (notification.delivery.status, notification.delivery.attempts),
        (DeliveryStatus::Sent, 1)
    );
    assert_eq!(notification.timer(), None);
}

#[tokio::test]
async fn invitations_are_listed_and_revoked_and_end_with_the_role_of_the_inviter() {
    let (world, ada, task) = World::seeded().await;
    let (admin, grace) = (world.member(11, Role::Admin).await, world.register(20).await);
    let invite = world.event("invite-member", &admin, &task).await;
    let invite = invite.body(&json!({"email": grace.email, "role": "member"}));
    assert_eq!(world.send(&invite).await.status, 201);
    let first = code_in(&world.mails().await[0].1);
    let list = async || world.as_user("list-invitations", &ada, &task).await.body["items"].clone();
    let open = list().await;
    assert_eq!((&open[0]["email"], &open[0]["invited_by"]), (&json!(grace.email), &json!(admin.id)));
    let id = open[0]["id"].as_str().expect("an id");
    let revoke = world.event("revoke-invitation", &ada, &task).await.path("invitation_id", id);
    let accept = async |code: &str| {
        let event = world.event("accept-invitation", &grace, &task).await;
        world.send(&event.body(&json!({"token": code}))).await
    };
    assert_eq!((world.send(&revoke).await.status, list().await), (204, json!([])));
    assert_eq!(world.send(&revoke).await.status, 204, "a repetition");
    assert_eq!(world.send(&revoke.path("invitation_id", "x")).await.status, 404);
    assert_eq!(accept(&first).await.code(), "invalid_invitation");

    world.clock.advance(INVITATION_PAUSE);
    assert_eq!(world.send(&invite).await.status, 201);
    let second = code_in(&world.mails().await[0].1);
    let lower = world.event("update-member", &ada, &task).await.path("user_id", &admin.id.to_string());
    assert_eq!(world.send(&lower.body(&json!({"role": "member"}))).await.status, 200);
    assert_eq!(accept(&second).await.code(), "invalid_invitation", "the inviter may no longer invite");
    for (function, who) in [("list-invitations", &admin), ("revoke-invitation", &admin)] {
        assert_eq!(world.as_user(function, who, &task).await.status, 403);
    }
}

#[tokio::test]
async fn a_space_has_a_maximum_of_open_invitations() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("invite-member", &ada, &task).await;
    for number in 0..MAX_INVITATIONS {
        let body = json!({"email": format!("guest{number}@example.com")});
        assert_eq!(world.send(&event.clone().body(&body)).await.status, 201);
    }
    let refused = world.send(&event.body(&json!({"email": "one.more@example.com"}))).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_invitations"));
}
