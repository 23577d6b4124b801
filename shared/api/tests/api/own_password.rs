//! Changes of the password by its owner: what they end, what they leave, and changes at the same time.

use std::sync::Mutex;

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    account_event::AccountEvent,
    clock::Clock,
    credential::{CheckedPassword, RefreshToken, Session},
    id::SessionId,
    notification::NotificationKind,
    ports::{Credentials, PasswordChange, PasswordChanges, PortError, Profiles, RateLimits, Sessions},
    rate_limit::{PASSWORD_CHECKS, RateLimitKey},
    task::Task,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, ManualClock, Meddler, MemoryStore, SeededRandom, Side,
    contract::Store,
    fixtures::{NOW, api_token_secret, notification, now},
    injected,
};
use taskbell_test_aws::Server;

use crate::support::{Answer, PASSWORD, World, reset_code};

const NEW: &str = "six quiet bells at dawn";

impl<S: Store> World<S> {
    async fn opened(&self, user: &User, task: &Task, password: &str) -> Answer {
        let event = self.event("log-in", user, task).await;
        self.send(&event.body(&json!({ "email": user.email, "password": password }))).await
    }

    /// Changes the password, with the access token of a log-in.
    async fn change(&self, client: &Answer, user: &User, task: &Task, body: Value) -> Answer {
        let bearer = format!("Bearer {}", client.body["access_token"].as_str().expect("a token"));
        let event = self.event("change-password", user, task).await;
        self.send(&event.header("authorization", &bearer).body(&body)).await
    }

    async fn refreshed(&self, token: &Value, user: &User, task: &Task) -> Answer {
        let event = self.event("refresh-session", user, task).await;
        self.send(&event.body(&json!({ "refresh_token": token }))).await
    }
}

fn to(new: &str) -> Value {
    json!({ "current_password": PASSWORD, "new_password": new })
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_gives_a_new_one() {
    let (world, ada, task) = World::seeded().await;
    let other = world.opened(&ada, &task, PASSWORD).await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    world.connect_in(&ada, world.other_session(), "other").await;
    let changed = world.change(&own, &ada, &task, to(NEW)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    for client in [&other, &own] {
        let refused = world.refreshed(&client.body["refresh_token"], &ada, &task).await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"));
        let bearer = format!("Bearer {}", client.body["access_token"].as_str().expect("a token"));
        let event = world.event("get-profile", &ada, &task).await.header("authorization", &bearer);
        assert_eq!(world.send(&event).await.status, 401, "older access tokens are revoked");
    }
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["other"]);
    let next = world.refreshed(&changed.body["refresh_token"], &ada, &task).await;
    assert_eq!(next.status, 200, "in the same second: {}", next.body);
    let bearer = format!("Bearer {}", next.body["access_token"].as_str().expect("a token"));
    let event = world.event("get-profile", &ada, &task).await.header("authorization", &bearer);
    assert_eq!(world.send(&event).await.status, 200);
    assert_eq!(world.opened(&ada, &task, PASSWORD).await.status, 401);
    assert_eq!(world.opened(&ada, &task, NEW).await.status, 200);
}

#[tokio::test]
async fn api_tokens_stay_and_earlier_codes_become_invalid() {
    let (world, ada, task) = World::seeded().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 200);
    let token = format!("Bearer {}", api_token_secret(1, &ada).to_text());
    let event = world.event("get-task", &ada, &task).await.header("authorization", &token);
    assert_eq!(world.send(&event).await.status, 200, "a program did not take part");
    let reset = world.send(&world.event("reset-password", &ada, &task).await).await;
    assert_eq!((reset.status, reset.code()), (404, "invalid_code"), "{}", reset_code().to_text());
}

#[tokio::test]
async fn the_owner_is_informed_of_a_new_password() {
    let (world, ada, task) = World::seeded().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 200);
    let mails = world.mails().await;
    let [(address, text)] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(address, ada.email.as_str());
    assert!(text.contains("password was changed") && !text.contains(NEW), "{text}");
}

#[tokio::test]
async fn a_wrong_or_a_weak_password_changes_nothing() {
    let (world, ada, task) = World::seeded().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    let state = async || {
        let found = world.store.credential(&ada.email).await.expect("an answer").expect("one");
        (found.password_hash, world.store.user(ada.id).await.expect("an answer"))
    };
    let before = state().await;
    let current = |current: &str| json!({ "current_password": current, "new_password": NEW });
    for (body, field, code) in [
        (current("six quiet bells at noon"), "current_password", "wrong_password"),
        (current(""), "current_password", "wrong_password"),
        (current(&"a".repeat(100_000)), "current_password", "wrong_password"),
        (to("short"), "new_password", "too_short"),
        (to(&"ab1 ".repeat(50)), "new_password", "too_long"),
        (to("Example.User1.Com.Example"), "new_password", "too_common"),
    ] {
        let answer = world.change(&own, &ada, &task, body).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![(field, code)]));
    }
    for _ in 3..PASSWORD_CHECKS.max {
        world.change(&own, &ada, &task, current("x")).await;
    }
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 429, "guessing is limited");
    assert_eq!(state().await, before);
    let counted = world.store.record(&PASSWORD_CHECKS, &RateLimitKey::user(ada.id), 0, now()).await;
    assert!(counted.expect("an answer") >= PASSWORD_CHECKS.max);
}

#[tokio::test]
async fn a_session_that_has_ended_changes_no_password() {
    let (world, ada, task) = World::seeded().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    let text = own.body["refresh_token"].as_str().expect("a token");
    let session = RefreshToken::parse(text).expect("a token").session;
    world.store.close_session(ada.id, session).await.expect("an answer");
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 401);
    assert_eq!(world.opened(&ada, &task, PASSWORD).await.status, 200);
}

/// A store in which something else happens before a call.
fn meddled() -> (World<Faulty<MemoryStore, Meddler>>, MemoryStore) {
    let memory = MemoryStore::default();
    (World::on(Faulty { store: memory.clone(), faults: Meddler::default() }), memory)
}

/// Another device sets another password, and closes all sessions.
async fn set_elsewhere(store: MemoryStore, of: User) {
    let mut user = store.user(of.id).await.expect("an answer").expect("the user");
    let found = store.credential(&of.email).await.expect("an answer").expect("a credential");
    user.change_password(now());
    let kind = NotificationKind::Account { to: of.id, event: AccountEvent::PasswordChanged };
    let id = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(3));
    let session = Session::of(&RefreshToken::generate(of.id, id, &SeededRandom::new(4)), now());
    let change = PasswordChange {
        user: &user,
        verified_hash: &found.password_hash,
        hash: "another",
        session: &session,
        notification: &notification(90, kind),
    };
    assert!(store.change_password(change).await.expect("an answer"));
    store.close_other_sessions(of.id, id).await.expect("an answer");
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_refused() {
    let (world, memory) = meddled();
    let (ada, task) = world.seed().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    world.store.faults.before("change_password", set_elsewhere(memory.clone(), ada.clone()));
    let answer = world.change(&own, &ada, &task, to(NEW)).await;
    assert!(world.store.faults.is_done());
    assert_eq!(answer.status, 401, "its session has ended meanwhile: {}", answer.body);
    let stored = memory.credential(&ada.email).await.expect("an answer").expect("a credential");
    assert_eq!(stored.password_hash, "another");
}

#[tokio::test]
async fn a_change_after_a_reset_needs_the_password_of_the_reset() {
    let (world, memory) = meddled();
    let (ada, task) = world.seed().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    // A reset that was interrupted before it closed the sessions, and whose revocation is not seen.
    let (store, of) = (memory.clone(), ada.clone());
    world.store.faults.before("change_password", async move {
        {
            let mut data = store.data();
            let user = data.users.get_mut(&of.id).expect("the user");
            user.version += 1;
            user.name = taskbell_domain::text::PersonName::parse("Else").expect("a name");
        }
        let found = store.credential(&of.email).await.expect("an answer").expect("a credential");
        let id = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(3));
        let session = Session::of(&RefreshToken::generate(of.id, id, &SeededRandom::new(4)), now());
        let (hash, rehashed) = (found.password_hash.as_str(), Some("another"));
        let checked = CheckedPassword { email: &of.email, hash, rehashed, factor: None };
        assert!(store.open_session(&session, checked).await.expect("an answer"));
    });
    let answer = world.change(&own, &ada, &task, to(NEW)).await;
    assert_eq!((answer.status, answer.errors()), (422, vec![("current_password", "wrong_password")]));
    let stored = memory.credential(&ada.email).await.expect("an answer").expect("a credential");
    assert_eq!(stored.password_hash, "another");
}

#[tokio::test]
async fn a_change_of_the_profile_or_a_block_in_between_is_respected() {
    let (world, memory) = meddled();
    let (ada, task) = world.seed().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    let change = |store: MemoryStore, disabled: bool| {
        let id = ada.id;
        async move {
            let mut data = store.data();
            let user = data.users.get_mut(&id).expect("the user");
            user.version += 1;
            user.disabled_at = disabled.then(now);
            user.name = taskbell_domain::text::PersonName::parse("Else").expect("a name");
        }
    };
    world.store.faults.before("change_password", change(memory.clone(), true));
    let answer = world.change(&own, &ada, &task, to(NEW)).await;
    assert_eq!((answer.status, answer.code()), (403, "account_disabled"));
    change(memory.clone(), false).await;
    world.store.faults.before("change_password", change(memory.clone(), false));
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 200);
    let stored = memory.user(ada.id).await.expect("an answer").expect("ada");
    assert_eq!(stored.name.as_str(), "Else", "the other change is kept");
}

#[tokio::test]
async fn no_session_survives_that_was_opened_with_the_old_password() {
    for moment in ["change_password", "close_other_sessions"] {
        let (world, memory) = meddled();
        let (ada, task) = world.seed().await;
        let own = world.opened(&ada, &task, PASSWORD).await;
        let id = SessionId::generate(&world.clock, &SeededRandom::new(3));
        let token = RefreshToken::generate(ada.id, id, &SeededRandom::new(4));
        let (store, session) = (memory.clone(), Session::of(&token, now()));
        let hash = memory.credential(&ada.email).await.expect("an answer").expect("one").password_hash;
        let (email, is_before) = (ada.email.clone(), moment == "change_password");
        world.store.faults.before(moment, async move {
            let checked = CheckedPassword { email: &email, hash: &hash, rehashed: None, factor: None };
            let opened = store.open_session(&session, checked).await.expect("an answer");
            assert_eq!(opened, is_before, "afterwards the old password opens none");
        });
        assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 200);
        assert!(world.store.faults.is_done());
        assert!(!memory.has_session(ada.id, id, now()).await.expect("an answer"), "{moment}");
    }
}

/// Stops the caller at a call.
struct StopsAt(&'static str, Mutex<bool>);

impl Faults for StopsAt {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        let stops = *self.1.lock().expect("not poisoned") && call == self.0 && side == Side::Before;
        if stops { Err(injected(call)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_change_that_is_interrupted_after_its_transaction_leaves_no_usable_session() {
    let memory = MemoryStore::default();
    let faults = StopsAt("close_other_sessions", Mutex::new(false));
    let world = World::on(Faulty { store: memory.clone(), faults });
    let (ada, task) = world.seed().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let late = world.opened(&ada, &task, PASSWORD).await;
    world.clock.advance(SignedDuration::from_secs(6));
    *world.store.faults.1.lock().expect("not poisoned") = true;
    assert_eq!(world.change(&own, &ada, &task, to(NEW)).await.status, 503);
    *world.store.faults.1.lock().expect("not poisoned") = false;
    for client in [&own, &late] {
        let refused = world.refreshed(&client.body["refresh_token"], &ada, &task).await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"));
    }
    assert_eq!(world.opened(&ada, &task, PASSWORD).await.status, 401);
    let new = world.opened(&ada, &task, NEW).await;
    assert_eq!(world.refreshed(&new.body["refresh_token"], &ada, &task).await.status, 200);
    assert!(world.clock.now() > now());
}

#[tokio::test]
async fn of_many_changes_at_the_same_time_on_dynamodb_one_succeeds() {
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (ada, task) = world.seed().await;
    let own = world.opened(&ada, &task, PASSWORD).await;
    let passwords = ["one quiet bell at dawn", "two quiet bells at dawn", "ten quiet bells at dawn"];
    let all = passwords.map(|new| world.change(&own, &ada, &task, to(new)));
    let answers = futures_util::future::join_all(all).await;
    let done: Vec<_> =
        passwords.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(done.len(), 1, "{statuses:?}");
    let (password, answer) = done[0];
    assert_eq!(world.opened(&ada, &task, password).await.status, 200);
    let refreshed = world.refreshed(&answer.body["refresh_token"], &ada, &task).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
}
