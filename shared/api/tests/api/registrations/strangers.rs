//! Registrations of the address of someone else.

use taskbell_api::workers::record_mail_events;
use taskbell_domain::{
    clock::Clock,
    delivery::DeliveryEvent,
    user::{MailSuppression, SuppressionReason},
};
use taskbell_test::{Faulty, Meddler, MemoryStore, Outbox};

use super::*;

#[tokio::test]
async fn the_same_registration_again_mails_another_link() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    let mut links = Vec::new();
    for _ in 0..2 {
        assert_eq!(world.register_as("new@example.com", OTHER, any).await.status, 202);
        let [(_, mail)] = &world.mails().await[..] else { panic!("one mail") };
        links.push(token_in(mail));
    }
    // The first one works still: a request that was sent twice must not cost the link.
    let event = world.event("verify-email", &ada, &task).await;
    assert_eq!(world.send(&event.body(&json!({ "token": links[0] }))).await.status, 204);
    assert_eq!(world.log_in_as("new@example.com", OTHER, any).await.status, 200);
}

#[tokio::test]
async fn the_owner_of_an_address_gets_the_account_that_a_stranger_has_registered() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    let victim = "victim@example.com";
    world.register_as(victim, OTHER, any).await;
    let strangers = token_in(&world.mails().await[0].1);
    world.register_as(victim, "a set of my own bells", any).await;
    world.mails().await;
    let verify = world.event("verify-email", &ada, &task).await;
    let refused = world.send(&verify.body(&json!({ "token": strangers }))).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_token"));

    let forgot = world.event("forgot-password", &ada, &task).await;
    assert_eq!(world.send(&forgot.body(&json!({ "email": victim }))).await.status, 202);
    let [(to, mail)] = &world.mails().await[..] else { panic!("a code") };
    assert_eq!(to, victim);
    assert!(!mail.contains("Grace"), "the name is what the stranger has typed: {mail}");
    let reset = world.event("reset-password", &ada, &task).await;
    let body = json!({ "code": code_in(mail), "password": "a set of my own bells" });
    assert_eq!(world.send(&reset.body(&body)).await.status, 204);
    assert_eq!(world.log_in_as(victim, OTHER, any).await.status, 401);
    assert_eq!(world.log_in_as(victim, "a set of my own bells", any).await.status, 200);
}

#[tokio::test]
async fn a_change_of_the_profile_at_the_same_time_does_not_cost_the_mail() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let new = world.register(77).await;
    let unverified = User { email_verified_at: None, version: 2, ..new.clone() };
    world.store.replace_user(&unverified, 1, None).await.expect("an answer");
    let body = json!({ "email": new.email, "password": OTHER, "name": "Grace" });
    let event = world.event("register-user", &ada, &task).await.body(&body);
    assert_eq!(world.send(&event).await.status, 202);
    let timer = world.queue.take()[0];
    world.store.faults.before("replace_user", async move {
        memory.data().users.get_mut(&new.id).expect("a user").version += 1;
    });
    let outbox = Outbox::default();
    world.handle(&outbox, timer).await.expect("the message is handled");
    assert!(world.store.faults.is_done());
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn an_address_that_bounced_before_it_was_verified_can_be_verified_later() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    world.register_as("late@example.com", OTHER, any).await;
    world.mails().await;
    let new = world.account_of("late@").await.expect("an account");
    let at = instant("2026-03-01T08:00:00Z");
    let mail_stopped = Some(MailSuppression { reason: SuppressionReason::Bounced, at });
    let bounced = User { mail_stopped, version: 2, ..new };
    world.store.replace_user(&bounced, 1, None).await.expect("an answer");
    world.register_as("late@example.com", "a set of my own bells", any).await;
    assert_eq!(world.mails().await.len(), 1, "what to do instead");
    let forgot = world.event("forgot-password", &ada, &task).await;
    world.send(&forgot.body(&json!({ "email": "late@example.com" }))).await;
    let [(_, mail)] = &world.mails().await[..] else { panic!("a code") };
    let reset = world.event("reset-password", &ada, &task).await;
    let body = json!({ "code": code_in(mail), "password": OTHER });
    assert_eq!(world.send(&reset.body(&body)).await.status, 204);
    assert_eq!(world.log_in_as("late@example.com", OTHER, any).await.status, 200);
}

#[tokio::test]
async fn a_mail_that_strangers_cause_stops_none_of_an_accounts_mails() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    world.register_as("user1@example.com", OTHER, any).await;
    let timer = world.queue.take()[0];
    let outbox = Outbox::default();
    world.handle(&outbox, timer).await.expect("the message is handled");
    let mail = outbox.sent().remove(0);
    assert_eq!(mail.tags.user, None);
    let (message_id, accepted_at) = ("m".to_owned(), world.clock.now());
    let event = DeliveryEvent { message_id, accepted_at, feedback: None };
    let complaint = Some(SuppressionReason::Complained);
    record_mail_events::handle(&world.store, &mail.tags, &event, complaint, &world.clock)
        .await
        .expect("it is recorded");
    assert_eq!(world.me(&ada).await.reachable(), Ok(()));
    world.register_as("user1@example.com", OTHER, any).await;
    assert!(world.mails().await.is_empty(), "no more of this kind");

    let mail_stopped =
        Some(MailSuppression { reason: SuppressionReason::Complained, at: world.clock.now() });
    let boss = world.me(&operator()).await;
    let stopped = User { mail_stopped, version: boss.version + 1, ..boss.clone() };
    world.store.replace_user(&stopped, boss.version, None).await.expect("an answer");
    world.register_as(boss.email.as_str(), OTHER, any).await;
    assert!(world.mails().await.is_empty(), "who has stopped all mail gets none");
}
