//! What a password reset, a block and a role change revoke, and what ends a session.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version, password_hash::phc::PasswordHash};
use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    credential::{Credential, RefreshToken},
    notification::Notification,
    ports::{
        Accounts, Credentials, Notifications, ProfileChanges, Profiles, RateLimits, Redemption,
        Redemptions, Registrations, Replaced, Sessions,
    },
    rate_limit::{ASSIGNMENTS, CODES, INVITATIONS, OPERATIONS, RateLimitKey},
    task::Task,
    user::{AccountRole, MailKind, User},
};
use taskbell_test::{
    Faulty, Meddler, MemoryStore,
    contract::Store,
    fixtures::{now, space, user},
};

use crate::support::{
    Answer, Event, PASSWORD, World, collaborator, operator, reset_code, unsubscribe_token,
};

const NEW: &str = "six quiet bells at dawn";

impl<S: Store> World<S> {
    async fn log_in(&self, user: &User, task: &Task, password: &str) -> Answer {
        let event = self.event("log-in", user, task).await;
        self.send(&event.body(&json!({ "email": user.email, "password": password }))).await
    }

    async fn reset(&self, user: &User, task: &Task, password: &str) -> Answer {
        let event = self.event("reset-password", user, task).await;
        let mut body: Value =
            serde_json::from_str(event.json["body"].as_str().expect("a body")).expect("JSON");
        body["password"] = json!(password);
        self.send(&event.body(&body)).await
    }

    async fn refresh(&self, user: &User, task: &Task, token: &Value) -> Answer {
        let event = self.event("refresh-session", user, task).await;
        self.send(&event.body(&json!({ "refresh_token": token }))).await
    }
}

fn bearer(event: Event, token: &Value) -> Event {
    event.header("authorization", &format!("Bearer {}", token.as_str().expect("a token")))
}

#[tokio::test]
async fn a_password_reset_revokes_earlier_tokens_sessions_and_links() {
    let (world, ada, task) = World::seeded().await;
    let before = world.log_in(&ada, &task, PASSWORD).await.body;
    let unsubscribe = unsubscribe_token(&ada, MailKind::Reminders);
    assert_eq!(world.reset(&ada, &task, NEW).await.status, 204);

    for function in ["get-profile", "list-tasks", "update-profile", "delete-task"] {
        let event = bearer(world.event(function, &ada, &task).await, &before["access_token"]);
        let contents = world.store.contents();
        let answer = world.send(&event).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{function}");
        assert_eq!(world.store.contents(), contents, "{function}");
    }
    let old = world.refresh(&ada, &task, &before["refresh_token"]).await;
    assert_eq!((old.status, old.code()), (401, "invalid_refresh_token"));
    let link = world.event("unsubscribe", &ada, &task).await.path("token", &unsubscribe);
    assert_eq!(world.send(&link).await.status, 404);

    // In the same second.
    let after = world.log_in(&ada, &task, NEW).await;
    assert_eq!(after.status, 200, "{}", after.body);
    let event = bearer(world.event("get-profile", &ada, &task).await, &after.body["access_token"]);
    assert_eq!(world.send(&event).await.status, 200);
}

#[tokio::test]
async fn a_role_change_or_block_revokes_earlier_tokens() {
    for patch in [json!({ "role": "operator" }), json!({ "disabled": true })] {
        let (world, ada, task) = World::seeded().await;
        let before = world.log_in(&ada, &task, PASSWORD).await.body;
        let update = world.event("update-user", &ada, &task).await;
        let update = update.path("user_id", &ada.id.to_string()).body(&patch);
        assert_eq!(world.send(&update).await.status, 200);
        if patch.get("disabled").is_some() {
            let enable = update.body(&json!({ "disabled": false }));
            assert_eq!(world.send(&enable).await.status, 200);
        }
        for function in ["list-users", "get-profile"] {
            let event = bearer(world.event(function, &ada, &task).await, &before["access_token"]);
            let answer = world.send(&event).await;
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{function} {patch}");
        }
    }
}

#[tokio::test]
async fn a_revoked_operator_token_gets_401_even_if_the_rate_limit_check_passes() {
    let (world, ada, task) = World::seeded().await;
    let stale = world.access_token(&operator());
    let stored = world.store.user(operator().id).await.expect("no store error").expect("the operator");
    let mut changed = stored.clone();
    changed.tokens_valid_from = Some(stored.created_at + SignedDuration::from_secs(1));
    changed.version += 1;
    world.store.replace_user(&changed, stored.version, None).await.expect("no store error");
    for function in ["list-users", "invite-user", "get-user", "update-user", "create-notification"] {
        let event = world.event(function, &ada, &task).await;
        let answer = world.send(&event.header("authorization", &format!("Bearer {stale}"))).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{function}");
    }
}

#[tokio::test]
async fn becoming_an_operator_needs_an_open_session_and_revokes_the_token() {
    let (world, ada, task) = World::seeded().await;
    let boss = operator();
    let stored = world.store.user(boss.id).await.expect("no store error").expect("the operator");
    let demoted = User { role: AccountRole::User, version: stored.version + 1, ..stored.clone() };
    world.store.replace_user(&demoted, stored.version, None).await.expect("no store error");
    let claim = world.event("become-operator", &ada, &task).await;
    assert_eq!(world.send(&claim).await.status, 202);
    let mails = world.mails().await;
    let code = mails[0].1.lines().find(|line| line.len() == 59).expect("a code").to_owned();
    let with_code = claim.clone().body(&json!({ "code": code }));

    world.store.close_sessions(boss.id).await.expect("no store error");
    for event in [&claim, &with_code] {
        assert_eq!(world.send(event).await.status, 401, "the session has ended");
    }
    world.refresh_token(&boss).await;
    let made = world.send(&with_code).await;
    assert_eq!((made.status, &made.body["role"]), (200, &json!("operator")));
    assert_eq!(world.send(&claim).await.status, 401, "the token was issued before");
}

#[tokio::test]
async fn a_log_in_concurrent_with_a_reset_opens_no_session_with_the_old_password() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let (store, id) = (memory.clone(), ada.id);
    let reset = async move {
        let notification = store
            .notification(reset_code().notification)
            .await
            .expect("no store error")
            .expect("a code");
        let code = Notification { version: notification.version + 1, ..notification };
        let mut user = store.user(id).await.expect("no store error").expect("ada");
        user.reset_password("5e".repeat(16), now());
        let credential = Credential { user: id, password_hash: "another".to_owned() };
        let redemption = Redemption { code: &code, user: &user, credential: Some(&credential) };
        assert!(store.redeem(redemption).await.expect("no store error"));
        store.close_sessions(id).await.expect("no store error");
    };
    world.store.faults.before("open_session", reset);
    let raced = world.log_in(&ada, &task, PASSWORD).await;
    assert!(world.store.faults.is_done(), "the concurrent change did not run");
    assert_eq!((raced.status, raced.code()), (401, "invalid_credentials"));
    assert!(!memory.contents().contains("Session {"), "no session is open");
}

#[tokio::test]
async fn a_slow_password_reset_revokes_what_was_issued_during_it() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let clock = world.clock.clone();
    let later = now() + SignedDuration::from_secs(9);
    world.store.faults.before("notification", async move { clock.set(later) });
    assert_eq!(world.reset(&ada, &task, NEW).await.status, 204);
    let stored = memory.user(ada.id).await.expect("no store error").expect("ada");
    assert_eq!(stored.password_set_at, Some(later), "codes sent before it are invalid");
    assert!(stored.tokens_valid_from.is_some_and(|from| from > later), "and so are tokens");
}

#[tokio::test]
async fn an_interrupted_password_reset_leaves_no_usable_session() {
    let (world, ada, task) = World::seeded().await;
    let before = world.log_in(&ada, &task, PASSWORD).await.body;
    world.clock.advance(SignedDuration::from_mins(1));
    // The profile has the new password time, but the sessions were not closed.
    let stored = world.store.user(ada.id).await.expect("no store error").expect("ada");
    let mut changed = stored.clone();
    changed.reset_password("5e".repeat(16), world.clock.now());
    world.store.replace_user(&changed, stored.version, None).await.expect("no store error");
    let refused = world.refresh(&ada, &task, &before["refresh_token"]).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"));
    let text = before["refresh_token"].as_str().expect("a token");
    let session = RefreshToken::parse(text).expect("a token").session;
    let has = world.store.has_session(ada.id, session, now()).await;
    assert!(!has.expect("no store error"), "it has expired");
}

#[tokio::test]
async fn only_a_genuine_used_refresh_token_ends_the_session() {
    let (world, ada, task) = World::seeded().await;
    let first = world.log_in(&ada, &task, PASSWORD).await.body["refresh_token"].clone();
    let text = first.as_str().expect("a token");
    let (names, secret) = text.rsplit_once('.').expect("a secret");
    let other = |digit: &str| if digit == "0" { "1" } else { "0" };
    let forged = [
        format!("{names}.{}", "0".repeat(64)),
        format!("{names}.{}{}", other(&secret[..1]), &secret[1..]),
        format!("{names}.{}{}", &secret[..31], other(&secret[31..32])) + &secret[32..],
    ];
    for forged in &forged {
        let refused = world.refresh(&ada, &task, &json!(forged)).await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"), "{forged}");
    }
    let second = world.refresh(&ada, &task, &first).await;
    assert_eq!(second.status, 200, "the session continues");
    let third = world.refresh(&ada, &task, &second.body["refresh_token"]).await;
    assert_eq!(third.status, 200);
    // The first token belonged to this session, and its successor is used, so its reuse ends it.
    assert_eq!(world.refresh(&ada, &task, &first).await.status, 401);
    let ended = world.refresh(&ada, &task, &third.body["refresh_token"]).await;
    assert_eq!(ended.status, 401, "the session has ended for all tokens");
}

/// A thief and the owner exchange the same token, one after the other.
#[tokio::test]
async fn of_two_successors_of_one_token_the_first_ends_the_session() {
    let (world, ada, task) = World::seeded().await;
    let stolen = world.log_in(&ada, &task, PASSWORD).await.body["refresh_token"].clone();
    let first = world.refresh(&ada, &task, &stolen).await;
    let second = world.refresh(&ada, &task, &stolen).await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.body["refresh_token"], second.body["refresh_token"]);
    assert_eq!(world.refresh(&ada, &task, &first.body["refresh_token"]).await.status, 401);
    let ended = world.refresh(&ada, &task, &second.body["refresh_token"]).await;
    assert_eq!(ended.status, 401, "the session has ended for both");
}

/// A thief exchanges a stolen token again and again, and uses nothing that it gives.
#[tokio::test]
async fn an_exchange_that_is_repeated_too_late_ends_the_session() {
    let (world, ada, task) = World::seeded().await;
    let stolen = world.log_in(&ada, &task, PASSWORD).await.body["refresh_token"].clone();
    for _ in 0..3 {
        assert_eq!(world.refresh(&ada, &task, &stolen).await.status, 200);
        world.clock.advance(SignedDuration::from_mins(3));
    }
    let last = world.refresh(&ada, &task, &stolen).await;
    assert_eq!(last.status, 200, "nine minutes after the first exchange");
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(world.refresh(&ada, &task, &stolen).await.status, 401, "the owner is back");
    let ended = world.refresh(&ada, &task, &last.body["refresh_token"]).await;
    assert_eq!(ended.status, 401, "the session has ended for both");
}

#[tokio::test]
async fn a_password_hash_with_old_parameters_is_replaced_at_log_in() {
    let (world, _, task) = World::seeded().await;
    let params = Params::new(8_192, 1, 1, None).expect("parameters");
    let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash =
        weaker.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).expect("a hash");
    let old = user(40);
    let credential = Credential { user: old.id, password_hash: hash.to_string() };
    world.store.register(&old, &credential, None).await.expect("no store error");
    assert_eq!(world.log_in(&old, &task, "another passphrase").await.status, 401);
    let stored = async || {
        let found = world.store.credential(&old.email).await.expect("no store error");
        found.expect("a credential").password_hash
    };
    assert_eq!(stored().await, hash.to_string(), "only the right password is hashed again");
    assert_eq!(world.log_in(&old, &task, PASSWORD).await.status, 200);
    let rehashed = stored().await;
    assert!(rehashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{rehashed}");
    assert_eq!(world.log_in(&old, &task, PASSWORD).await.status, 200);
    assert_eq!(stored().await, rehashed, "once");
}

#[tokio::test]
async fn requests_of_a_blocked_account_use_up_no_limit() {
    let (world, ada, task) = World::seeded().await;
    let boss = operator();
    for user in [&ada, &boss] {
        let stored = world.store.user(user.id).await.expect("no store error").expect("the user");
        let version = stored.version + 1;
        let blocked = User { disabled_at: Some(now()), version, ..stored.clone() };
        let replaced = world.store.replace_user(&blocked, stored.version, None).await;
        assert_eq!(replaced.expect("no store error"), Replaced::Stored);
    }
    let assign = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let assign = assign
        .query(&format!("space={}", space(1, &ada).0.id))
        .body(&json!({"title": "Ring", "assigned_to": collaborator().id}));
    let mut used_up = Vec::new();
    for (event, limit, user) in [
        (assign, ASSIGNMENTS, &ada),
        (world.event("batch-tasks", &ada, &task).await, OPERATIONS, &ada),
        (world.event("invite-member", &ada, &task).await, INVITATIONS, &ada),
        (world.event("send-verification", &ada, &task).await, CODES, &ada),
        (world.event("become-operator", &ada, &task).await, CODES, &boss),
    ] {
        let answer = world.send(&event).await;
        assert_eq!((answer.status, answer.code()), (403, "account_disabled"), "{}", event.function);
        let key = RateLimitKey::user(user.id);
        let used = world.store.record(&limit, &key, 0, now()).await.expect("no store error");
        if used > 0 {
            used_up.push((event.function, limit.name));
        }
    }
    assert_eq!(used_up, []);
}
