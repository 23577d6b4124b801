//! How the owner gets an account back whose address someone else has changed, and what that person tries.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    one_time_code::Purpose,
    ports::{Credentials, PortError, RateLimits, SuppressedAddresses},
    rate_limit::{CODES_TO_ADDRESS, RateLimitKey},
};
use taskbell_test::{
    Faults, Faulty, MemoryStore, Side,
    fixtures::{api_token_secret, now, user},
    injected,
};

use super::with;
use crate::support::World;

const RESET: &str = "six quiet bells at dawn";

#[tokio::test]
async fn the_owner_of_the_previous_address_gets_the_account_back() {
    let (world, ada, task) = World::seeded().await;
    let (moved, undo) = world.moved("thief@example.com", &ada, &task).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let thief = world.log_in_at("thief@example.com", &ada, &task).await;
    world.connect_in(&moved, world.other_session(), "thief").await;
    let undone = world.undo(&undo, &ada, &task).await;
    assert_eq!(undone.status, 204, "{}", undone.body);
    let stored = world.profile(&ada).await;
    assert_eq!((stored.email.as_str(), stored.email_verified_at.is_some()), (ada.email.as_str(), true));
    assert_ne!(stored.link_secret, ada.link_secret);

    let refresh = world.event("refresh-session", &ada, &task).await;
    let refresh = refresh.body(&json!({ "refresh_token": thief.body["refresh_token"] }));
    assert_eq!(world.send(&refresh).await.status, 401);
    let bearer = format!("Bearer {}", thief.body["access_token"].as_str().expect("a token"));
    let token = format!("Bearer {}", api_token_secret(1, &ada).to_text());
    for bearer in [&bearer, &token] {
        let event = world.event("get-task", &ada, &task).await.header("authorization", bearer);
        assert_eq!(world.send(&event).await.status, 401);
    }
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["thief"]);
    for email in [ada.email.as_str(), "thief@example.com"] {
        assert_eq!(world.log_in_at(email, &ada, &task).await.status, 401, "the password is locked");
    }
    assert_eq!(world.undo(&undo, &ada, &task).await.code(), "invalid_code", "once");
    let registered = world.register_at("thief@example.com", &user(20), &task).await;
    let theirs = EmailAddress::parse("thief@example.com").expect("an address");
    let credential = world.store.credential(&theirs).await.expect("an answer");
    assert!(registered.status == 202 && credential.is_some(), "their own address is free");

    world.clock.advance(SignedDuration::from_mins(1));
    let forgot = world.event("forgot-password", &ada, &task).await;
    assert_eq!(world.send(&forgot.body(&json!({ "email": ada.email }))).await.status, 202);
    let mails = world.mails().await;
    let (to, text) = mails.iter().find(|(_, text)| text.contains("Reset your")).expect("a code");
    assert_eq!(to, ada.email.as_str());
    let reset = world.event("reset-password", &ada, &task).await;
    let reset = reset.body(&json!({ "code": super::code_in(text), "password": RESET }));
    assert_eq!(world.send(&reset).await.status, 204);
    let log_in = world.event("log-in", &ada, &task).await;
    let log_in = log_in.body(&json!({ "email": ada.email, "password": RESET }));
    assert_eq!(world.send(&log_in).await.status, 200);
}

#[tokio::test]
async fn a_later_change_by_the_thief_can_neither_be_restored_nor_keep_the_owner_out() {
    // The thief changes the address twice, so the second code goes to the thief.
    for thief_first in [false, true] {
        let (world, ada, task) = World::seeded().await;
        let (moved, owners) = world.moved("b@example.com", &ada, &task).await;
        world.clock.advance(SignedDuration::from_mins(1));
        let (_, thiefs) = world.moved("c@example.com", &moved, &task).await;
        world.clock.advance(SignedDuration::from_mins(1));
        if thief_first {
            assert_eq!(world.undo(&thiefs, &ada, &task).await.status, 204);
            assert_eq!(world.profile(&ada).await.email.as_str(), "b@example.com");
            world.clock.advance(SignedDuration::from_mins(1));
        }
        assert_eq!(world.undo(&owners, &ada, &task).await.status, 204, "{thief_first}");
        assert_eq!(world.profile(&ada).await.email, ada.email);
        let refused = world.undo(&thiefs, &ada, &task).await;
        assert_eq!((refused.status, refused.code()), (404, "invalid_code"), "{thief_first}");
        assert_eq!(world.profile(&ada).await.email, ada.email);
    }
}

#[tokio::test]
async fn a_password_that_the_thief_sets_does_not_keep_the_owner_out() {
    let (world, ada, task) = World::seeded().await;
    let (moved, undo) = world.moved("thief@example.com", &ada, &task).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let change = world.event("change-password", &moved, &task).await;
    assert_eq!(world.send(&change).await.status, 200);
    world.clock.advance(SignedDuration::from_mins(1));
    let code = world.mailed_code(70, &ada, Purpose::PasswordReset, None).await;
    let reset = world.event("reset-password", &moved, &task).await;
    let reset = reset.body(&json!({ "code": code, "password": "nine loud bells at night" }));
    assert_eq!(world.send(&reset).await.status, 204);
    world.clock.set(now() + SignedDuration::from_hours(72) - SignedDuration::from_secs(1));
    assert_eq!(world.undo(&undo, &ada, &task).await.status, 204);
    assert_eq!(world.profile(&ada).await.email, ada.email);
}

#[tokio::test]
async fn a_change_is_not_undone_after_72_hours_or_if_the_account_is_blocked() {
    let (world, ada, task) = World::seeded().await;
    let (_, undo) = world.moved("new@example.com", &ada, &task).await;
    world.store.data().users.get_mut(&ada.id).expect("ada").disabled_at = Some(now());
    assert_eq!(world.undo(&undo, &ada, &task).await.code(), "account_disabled");
    world.store.data().users.get_mut(&ada.id).expect("ada").disabled_at = None;
    world.clock.advance(SignedDuration::from_hours(72));
    assert_eq!(world.undo(&undo, &ada, &task).await.code(), "invalid_code");
    // Nor by a code that was mailed but that the account does not know.
    let forged = world.mailed_code(90, &ada, Purpose::EmailChangeUndo, Some("user1@example.com")).await;
    assert_eq!(world.undo(&forged, &ada, &task).await.code(), "invalid_code");
    assert_eq!(world.profile(&ada).await.email.as_str(), "new@example.com");
}

#[tokio::test]
async fn codes_from_before_a_change_do_not_work_after_it() {
    let (world, ada, task) = World::seeded().await;
    // The previous mailbox is another person's now: a code that it has must not reset the password.
    let reset = world.mailed_code(70, &ada, Purpose::PasswordReset, None).await;
    let waiting = world.mailed_code(71, &ada, Purpose::EmailChange, Some("b@example.com")).await;
    let change = world.mailed_code(72, &ada, Purpose::EmailChange, Some("new@example.com")).await;
    assert_eq!(world.confirm(&change, &ada, &task).await.status, 200);
    let event = world.event("reset-password", &ada, &task).await;
    let answer = world.send(&event.body(&json!({ "code": reset, "password": RESET }))).await;
    assert_eq!((answer.status, answer.code()), (404, "invalid_code"));
    assert_eq!(world.confirm(&waiting, &ada, &task).await.code(), "invalid_code");
    // A change of the password ends what was requested with the previous one.
    world.clock.advance(SignedDuration::from_mins(1));
    let moved = with("new@example.com", &ada);
    let waiting = world.mailed_code(73, &ada, Purpose::EmailChange, Some("b@example.com")).await;
    let change = world.event("change-password", &moved, &task).await;
    assert_eq!(world.send(&change).await.status, 200);
    let confirm = world.event("confirm-email", &moved, &task).await;
    assert_eq!(world.send(&confirm.body(&json!({ "code": waiting }))).await.code(), "invalid_code");
}

#[tokio::test]
async fn a_forgotten_password_of_a_reserved_address_is_mailed_to_the_present_one() {
    let (world, ada, task) = World::seeded().await;
    world.moved("new@example.com", &ada, &task).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let forgot = world.event("forgot-password", &ada, &task).await;
    let forgot = forgot.body(&json!({ "email": ada.email }));
    assert_eq!(world.send(&forgot).await.status, 202);
    let mails = world.mails().await;
    let [(to, text)] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(to, "new@example.com");
    let reset = world.event("reset-password", &ada, &task).await;
    let reset = reset.body(&json!({ "code": super::code_in(text), "password": RESET }));
    assert_eq!(world.send(&reset).await.status, 204);
    let log_in = async |email: &str| {
        let event = world.event("log-in", &ada, &task).await;
        world.send(&event.body(&json!({ "email": email, "password": RESET }))).await.status
    };
    assert_eq!((log_in("user1@example.com").await, log_in("new@example.com").await), (401, 200));
}

#[tokio::test]
async fn the_mail_to_the_previous_address_cannot_be_prevented() {
    let (world, ada, task) = World::seeded().await;
    // By using up the limit of codes to that address, or by an opt-out from invitations.
    let mailbox = RateLimitKey::mailbox(&ada.email);
    world.store.record(&CODES_TO_ADDRESS, &mailbox, 100, now()).await.expect("an answer");
    world.store.suppress_address(&ada.email.hash(), now()).await.expect("an answer");
    let (_, undo) = world.moved("thief@example.com", &ada, &task).await;
    assert_eq!(world.undo(&undo, &ada, &task).await.status, 204);
}

/// Stops its caller at the sessions.
struct Stops;

impl Faults for Stops {
    async fn pass(&self, call: &'static str, _: Side) -> Result<(), PortError> {
        if call == "close_sessions" { Err(injected(call)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn an_undo_that_is_interrupted_after_its_transaction_leaves_no_usable_session() {
    let world = World::on(Faulty { store: MemoryStore::default(), faults: Stops });
    let (ada, task) = world.seed().await;
    let thief = world.log_in_at(ada.email.as_str(), &ada, &task).await;
    world.clock.advance(SignedDuration::from_secs(6));
    let undo = world.undo_code(&ada).await;
    assert_eq!(world.undo(&undo, &ada, &task).await.status, 503);
    assert_eq!(world.profile(&ada).await.email, ada.email);
    let refresh = world.event("refresh-session", &ada, &task).await;
    let refresh = refresh.body(&json!({ "refresh_token": thief.body["refresh_token"] }));
    let refused = world.send(&refresh).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"));
}
