//! Log-ins with a second factor, and attacks on them.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    credential::RefreshToken,
    ports::{PortError, ProfileChanges, Profiles, SecondFactors, Sessions},
    rate_limit::SECOND_FACTORS,
    second_factor::SecondFactor,
    task::Task,
    totp::step_at,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, Meddler, MemoryStore, SeededRandom, Side,
    contract::Store,
    fixtures::{now, second_factor},
    injected,
};
use taskbell_test_aws::Server;

use super::{now_code, told};
use crate::support::{Answer, PASSWORD, World};

impl<S: Store> World<S> {
    async fn refreshed_by(&self, user: &User, task: &Task, token: &Value) -> Answer {
        // The event of a refresh would open the session again.
        let event = self.event("log-in", user, task).await;
        let mut event = event.body(&json!({ "refresh_token": token }));
        event.function = "refresh-session".to_owned();
        self.send(&event).await
    }
}

impl World {
    /// Advances the clock to the next window of ten minutes.
    pub(super) fn next_window(&self) {
        let left = 600 - self.clock.now().as_second().rem_euclid(600);
        self.clock.advance(SignedDuration::from_secs(left));
    }
}

#[tokio::test]
async fn a_code_works_once_and_no_earlier_one_after_it() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let log_in = async |code: &str| world.log_in_by_code(&ada, &task, Some(code)).await;
    let [used, current, next] = [-1, 0, 1].map(|steps| world.code_of(&ada, steps));
    let answer = log_in(&used).await;
    assert_eq!(told(&answer), (401, "invalid_second_factor"), "it has confirmed the factor");
    let answer = log_in(&next).await;
    assert_eq!(answer.status, 200, "the clock of the app is ahead: {}", answer.body);
    assert_eq!(answer.body["user"]["second_factor"], true);
    for replayed in [&next, &current] {
        assert_eq!(told(&log_in(replayed).await), (401, "invalid_second_factor"));
    }
    world.next_window();
    world.next_step();
    let later = world.code_of(&ada, 0);
    assert_eq!(log_in(&later).await.status, 200);
    for wrong in ["", "1", "0000000", &"9".repeat(10_000), "٣٣٣٣٣٣"] {
        world.next_window();
        assert_eq!(told(&log_in(wrong).await), (401, "invalid_second_factor"));
    }
}

#[tokio::test]
async fn a_recovery_code_works_once_in_every_spelling() {
    let (world, ada, task) = World::seeded().await;
    let secret = world.start(&ada, &task).await;
    let codes = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await.body;
    let code = codes["recovery_codes"][3].as_str().expect("a code").to_owned();
    let look_alike = code.replace('0', "O").replace('1', "l");
    let spellings = [code.to_uppercase(), code.replace('-', " "), look_alike, code];
    let log_in = async |code: &str| world.log_in_by_code(&ada, &task, Some(code)).await;
    assert_eq!(log_in(&spellings[0]).await.status, 200);
    for spelling in &spellings {
        assert_eq!(told(&log_in(spelling).await), (401, "invalid_second_factor"), "{spelling}");
    }
    world.next_window();
    let other = codes["recovery_codes"][4].as_str().expect("a code");
    assert_eq!(log_in(other).await.status, 200);
    let eve = world.register(2).await;
    world.add_second_factor(&eve, true).await;
    let third = codes["recovery_codes"][5].as_str().expect("a code");
    let answer = world.log_in_by_code(&eve, &task, Some(third)).await;
    assert_eq!(told(&answer), (401, "invalid_second_factor"), "it is another user's");
}

/// Sends the same log-in several times at once. Returns the statuses and codes.
async fn at_once<S: Store>(world: &World<S>, ada: &User, task: &Task) -> Vec<(u16, String)> {
    let code = world.code_of(ada, 0);
    let log_ins = (0..4).map(|_| world.log_in_by_code(ada, task, Some(&code)));
    let mut answers: Vec<_> = futures_util::future::join_all(log_ins)
        .await
        .iter()
        .map(|answer| (answer.status, answer.code().to_owned()))
        .collect();
    answers.sort();
    answers
}

#[tokio::test]
async fn of_log_ins_with_one_code_at_the_same_time_one_succeeds() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let in_memory = at_once(&world, &ada, &task).await;
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (ada, task) = world.seed().await;
    world.add_second_factor(&ada, true).await;
    let on_dynamodb = at_once(&world, &ada, &task).await;
    for answers in [in_memory, on_dynamodb] {
        assert_eq!(answers[0].0, 200, "{answers:?}");
        // The throttle counts each repetition after a conflict, too.
        let refused = ["invalid_second_factor", "too_many_requests"];
        assert!(answers[1..].iter().all(|(_, code)| refused.contains(&code.as_str())), "{answers:?}");
    }
}

#[tokio::test]
async fn a_code_that_another_log_in_has_just_used_opens_no_session() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    world.add_second_factor(&ada, true).await;
    let (store, id, code) = (memory.clone(), ada.id, world.code_of(&ada, 0));
    let used = code.clone();
    let other = async move {
        let mut factor = store.second_factor(id).await.expect("no error").expect("a factor");
        let read = factor.version;
        assert!(factor.accept(&used, now()));
        assert!(store.store_second_factor(&factor, Some(read), &[]).await.expect("no error"));
    };
    world.store.faults.before("open_session", other);
    let answer = world.log_in_by_code(&ada, &task, Some(&code)).await;
    assert!(world.store.faults.is_done(), "the concurrent change did not run");
    assert_eq!(told(&answer), (401, "invalid_second_factor"));
    assert!(!memory.contents().contains("Session {"), "no session is open");
}

#[tokio::test]
async fn a_log_in_concurrent_with_a_confirmation_opens_no_session_without_a_code() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let (store, user) = (memory.clone(), ada.clone());
    let confirm = async move {
        let started = second_factor(&user);
        assert!(store.store_second_factor(&started, None, &[]).await.expect("no error"));
        let mut factor = started;
        let code = factor.secret.code(step_at(now()));
        factor.confirm(&code, now(), &SeededRandom::new(3)).expect("the right code");
        let version = factor.version - 1;
        assert!(store.store_second_factor(&factor, Some(version), &[]).await.expect("no error"));
    };
    world.store.faults.before("open_session", confirm);
    let answer = world.log_in_by_code(&ada, &task, None).await;
    assert!(world.store.faults.is_done(), "the concurrent change did not run");
    assert_eq!(told(&answer), (401, "second_factor_required"));
    assert!(!memory.contents().contains("Session {"), "no session is open");
}

#[tokio::test]
async fn without_the_right_password_nothing_tells_whether_there_is_a_second_factor() {
    let (world, ada, task) = World::seeded().await;
    let mut told = Vec::new();
    for code in [None, Some(world.code_of(&ada, 0))] {
        for is_added in [false, true] {
            if is_added {
                world.add_second_factor(&ada, true).await;
            }
            let body =
                json!({ "email": ada.email, "password": "six quiet bells at dawn", "code": code });
            let answer = world.send(&world.event("log-in", &ada, &task).await.body(&body)).await;
            let mut body = answer.body;
            body["request_id"] = Value::Null;
            told.push((answer.status, body.to_string(), answer.headers.get("retry-after").cloned()));
        }
    }
    told.dedup();
    assert_eq!((told.len(), told[0].0), (1, 401), "{told:?}");
}

#[tokio::test]
async fn guesses_are_limited_per_account_whatever_their_ip_address() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let from = async |number: u32, password: &str, code: Option<&str>| {
        let body = json!({ "email": ada.email, "password": password, "code": code });
        let mut event = world.event("log-in", &ada, &task).await.body(&body);
        event.json["requestContext"]["http"]["sourceIp"] = json!(format!("192.0.2.{number}"));
        world.send(&event).await
    };
    // Strangers do not lock the owner out, nor does forgetting the code.
    for number in 0..20 {
        assert_eq!(from(number, "six quiet bells at dawn", Some("000000")).await.status, 401);
        let answer = from(100 + number, PASSWORD, None).await;
        assert_eq!(told(&answer), (401, "second_factor_required"));
    }
    for number in 0..SECOND_FACTORS.max {
        let answer = from(50 + number, PASSWORD, Some("000000")).await;
        assert_eq!(told(&answer), (401, "invalid_second_factor"));
    }
    let right = world.code_of(&ada, 0);
    let answer = from(60, PASSWORD, Some(&right)).await;
    assert_eq!(told(&answer), (429, "too_many_requests"), "not even the right one");
    assert_eq!(world.log_in_by_code(&world.register(2).await, &task, None).await.status, 200);
    world.next_window();
    let right = world.code_of(&ada, 0);
    assert_eq!(from(60, PASSWORD, Some(&right)).await.status, 200);
}

/// Nothing can be counted.
struct Uncounted;

impl Faults for Uncounted {
    async fn pass(&self, call: &'static str, _: Side) -> Result<(), PortError> {
        if call == "record" { Err(injected("recording")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_code_is_not_checked_if_the_guess_cannot_be_counted() {
    let world = World::on(Faulty { store: MemoryStore::default(), faults: Uncounted });
    let (ada, task) = world.seed().await;
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 200, "other limits admit it");
    world.add_second_factor(&ada, true).await;
    let code = world.code_of(&ada, 0);
    let answer = world.log_in_by_code(&ada, &task, Some(&code)).await;
    assert_eq!(told(&answer), (503, "unavailable"));
}

#[tokio::test]
async fn a_password_reset_neither_switches_the_second_factor_off_nor_opens_a_session() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let reset = world.send(&world.event("reset-password", &ada, &task).await).await;
    assert_eq!((reset.status, reset.body), (204, Value::Null));
    assert!(world.has_second_factor(&ada).await);
    let event = world.event("reset-password", &ada, &task).await;
    let body: Value = serde_json::from_str(event.json["body"].as_str().expect("a body")).expect("JSON");
    let log_in = async |code: Option<&str>| {
        let body = json!({ "email": ada.email, "password": body["password"], "code": code });
        world.send(&world.event("log-in", &ada, &task).await.body(&body)).await
    };
    assert_eq!(told(&log_in(None).await), (401, "second_factor_required"));
    assert_eq!(log_in(Some(&world.code_of(&ada, 0))).await.status, 200);
}

#[tokio::test]
async fn sessions_from_before_the_second_factor_end_except_the_one_that_confirmed_it() {
    let (world, ada, task) = World::seeded().await;
    let own = json!(world.refresh_token(&ada).await);
    let before = world.log_in_by_code(&ada, &task, None).await.body;
    let stale = world.access_token(&ada);
    world.clock.advance(SignedDuration::from_secs(60));
    let secret = world.start(&ada, &task).await;
    let confirmed = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let ended = before["refresh_token"].as_str().and_then(RefreshToken::parse).expect("a token");
    let at = world.clock.now();
    assert!(!world.store.has_session(ada.id, ended.session, at).await.expect("an answer"));
    assert!(world.store.has_session(ada.id, world.session(), at).await.expect("an answer"));
    let refused = world.refreshed_by(&ada, &task, &before["refresh_token"]).await;
    assert_eq!(told(&refused), (401, "invalid_refresh_token"));
    for token in [before["access_token"].as_str().expect("a token"), &stale] {
        let event = world.event("get-profile", &ada, &task).await;
        let event = event.header("authorization", &format!("Bearer {token}"));
        assert_eq!(told(&world.send(&event).await), (401, "unauthorized"));
    }
    let kept = world.refreshed_by(&ada, &task, &own).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    let kept = world.refreshed_by(&ada, &task, &kept.body["refresh_token"]).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
}

#[tokio::test]
async fn an_interrupted_confirmation_leaves_no_usable_session_but_its_own() {
    let (world, ada, task) = World::seeded().await;
    let own = json!(world.refresh_token(&ada).await);
    let before = world.log_in_by_code(&ada, &task, None).await.body;
    world.clock.advance(SignedDuration::from_secs(60));
    // The transaction was stored, but the sessions were not closed.
    world.add_second_factor(&ada, true).await;
    let refused = world.refreshed_by(&ada, &task, &before["refresh_token"]).await;
    assert_eq!(told(&refused), (401, "invalid_refresh_token"));
    assert_eq!(world.refreshed_by(&ada, &task, &own).await.status, 200);
    let code = world.code_of(&ada, 0);
    let after = world.log_in_by_code(&ada, &task, Some(&code)).await.body;
    assert_eq!(world.refreshed_by(&ada, &task, &after["refresh_token"]).await.status, 200);
}

#[tokio::test]
async fn a_confirmation_with_a_token_that_is_revoked_meanwhile_changes_nothing() {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    let event = world.event("confirm-second-factor", &ada, &task).await;
    let (store, id) = (memory.clone(), ada.id);
    let revoke = async move {
        let mut user = store.user(id).await.expect("no error").expect("ada");
        let read = user.version;
        user.reset_password("5e".repeat(16), now());
        store.replace_user(&user, read, None).await.expect("no error");
    };
    world.store.faults.before("confirm_second_factor", revoke);
    let answer = world.send(&event).await;
    assert!(world.store.faults.is_done(), "the concurrent change did not run");
    assert_eq!(told(&answer), (401, "unauthorized"));
    let factor: Option<SecondFactor> = memory.second_factor(ada.id).await.expect("no error");
    assert!(!factor.expect("a factor").is_confirmed());
}
