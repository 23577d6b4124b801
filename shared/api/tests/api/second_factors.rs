//! Second factors: how they are added, what a log-in needs then, and how they are removed. Attacks on them.

mod log_ins;
mod removals;

use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock, rate_limit::SECOND_FACTOR_CONFIRMATIONS, second_factor::CONFIRMATION_TIME,
    task::Task, totp::TotpSecret, user::OperatorSecondFactor, user::User,
};
use taskbell_test::{contract::Store, fixtures::second_factor};

use crate::support::{Answer, PASSWORD, World, operator};

/// The status and the code of a response.
fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

impl<S: Store> World<S> {
    /// Logs in with this code, or with none.
    async fn log_in_by_code(&self, user: &User, task: &Task, code: Option<&str>) -> Answer {
        let body = json!({ "email": user.email, "password": PASSWORD, "code": code });
        self.send(&self.event("log-in", user, task).await.body(&body)).await
    }

    /// The code that an authenticator app shows so many steps from now.
    fn code_of(&self, user: &User, steps: i64) -> String {
        let step = taskbell_domain::totp::step_at(self.clock.now());
        second_factor(user).secret.code(step.checked_add_signed(steps).expect("a step"))
    }

    async fn start(&self, user: &User, task: &Task) -> TotpSecret {
        let answer = self.send(&self.event("start-second-factor", user, task).await).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        TotpSecret::parse(answer.body["secret"].as_str().expect("a secret")).expect("a secret")
    }

    async fn confirm_factor(&self, user: &User, task: &Task, code: &str) -> Answer {
        // The event of the confirmation would add a factor.
        let event = self.event("start-second-factor", user, task).await;
        let mut event = event.body(&json!({ "code": code }));
        event.function = "confirm-second-factor".to_owned();
        self.send(&event).await
    }

    async fn own_profile(&self, user: &User, task: &Task) -> Value {
        self.send(&self.event("get-profile", user, task).await).await.body
    }
}

fn now_code(world: &World, secret: &TotpSecret) -> String {
    secret.code(taskbell_domain::totp::step_at(world.clock.now()))
}

#[tokio::test]
async fn a_second_factor_is_required_only_after_it_was_confirmed() {
    let (world, ada, task) = World::seeded().await;
    let secret = world.start(&ada, &task).await;
    assert_eq!(world.own_profile(&ada, &task).await["second_factor"], false);
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 200);
    assert_eq!(world.log_in_by_code(&ada, &task, Some("000000")).await.status, 200, "it is ignored");

    let wrong = world.confirm_factor(&ada, &task, "000000").await;
    assert_eq!((wrong.status, wrong.errors()), (422, vec![("code", "wrong_code")]));
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 200);
    let confirmed = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes");
    assert_eq!(codes.len(), 10);
    assert_eq!(world.own_profile(&ada, &task).await["second_factor"], true);
    assert!(world.has_second_factor(&ada).await);
    let answer = world.log_in_by_code(&ada, &task, None).await;
    assert_eq!(told(&answer), (401, "second_factor_required"));
    let again = world.send(&world.event("start-second-factor", &ada, &task).await).await;
    assert_eq!(told(&again), (409, "second_factor_active"));
    let again = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await;
    assert_eq!(told(&again), (409, "second_factor_active"));
}

#[tokio::test]
async fn the_owner_is_informed_of_a_second_factor_without_its_secrets() {
    let (world, ada, task) = World::seeded().await;
    let secret = world.start(&ada, &task).await;
    let confirmed = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await.body;
    let mails = world.mails().await;
    let [(to, mail)] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(to, ada.email.as_str());
    assert!(mail.contains("A second factor was added"), "{mail}");
    assert!(!mail.contains(&secret.to_base32()), "{mail}");
    for code in confirmed["recovery_codes"].as_array().expect("codes") {
        assert!(!mail.contains(code.as_str().expect("a code")), "{mail}");
    }
}

#[tokio::test]
async fn starting_again_replaces_a_secret_that_was_not_confirmed_and_it_expires_after_an_hour() {
    let (world, ada, task) = World::seeded().await;
    let first = world.start(&ada, &task).await;
    let second = world.start(&ada, &task).await;
    assert_ne!(first, second);
    let answer = world.confirm_factor(&ada, &task, &now_code(&world, &first)).await;
    assert_eq!(answer.errors(), [("code", "wrong_code")]);
    world.clock.advance(CONFIRMATION_TIME);
    let answer = world.confirm_factor(&ada, &task, &now_code(&world, &second)).await;
    assert_eq!(told(&answer), (409, "second_factor_not_started"));
    assert!(!world.has_second_factor(&ada).await);
}

#[tokio::test]
async fn a_second_factor_is_started_only_with_the_password() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("start-second-factor", &ada, &task).await;
    let answer = world.send(&event.body(&json!({ "password": "six quiet bells at dawn" }))).await;
    assert_eq!((answer.status, answer.errors()), (422, vec![("password", "wrong_password")]));
    let answer = world.confirm_factor(&ada, &task, &world.code_of(&ada, 0)).await;
    assert_eq!(told(&answer), (409, "second_factor_not_started"));
}

#[tokio::test]
async fn a_session_of_another_user_confirms_nothing() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let secret = world.start(&ada, &task).await;
    let code = now_code(&world, &secret);
    let answer = world.confirm_factor(&eve, &task, &code).await;
    assert_eq!(told(&answer), (409, "second_factor_not_started"));
    world.start(&eve, &task).await;
    let answer = world.confirm_factor(&eve, &task, &code).await;
    assert_eq!(answer.errors(), [("code", "wrong_code")]);
    assert!(!world.has_second_factor(&ada).await && !world.has_second_factor(&eve).await);
}

#[tokio::test]
async fn guessing_a_code_that_confirms_is_limited_and_does_not_use_up_the_limit_of_log_ins() {
    let (world, ada, task) = World::seeded().await;
    let secret = world.start(&ada, &task).await;
    for _ in 0..SECOND_FACTOR_CONFIRMATIONS.max {
        assert_eq!(world.confirm_factor(&ada, &task, "000000").await.status, 422);
    }
    let answer = world.confirm_factor(&ada, &task, &now_code(&world, &secret)).await;
    assert_eq!(told(&answer), (429, "too_many_requests"));
    world.next_window();
    let code = now_code(&world, &secret);
    assert_eq!(world.confirm_factor(&ada, &task, &code).await.status, 200);
    for _ in 1..SECOND_FACTOR_CONFIRMATIONS.max {
        world.confirm_factor(&ada, &task, "000000").await;
    }
    world.next_step();
    let code = now_code(&world, &secret);
    assert_eq!(world.log_in_by_code(&ada, &task, Some(&code)).await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_deleted_only_with_the_password_and_a_code() {
    let (world, ada, task) = World::seeded().await;
    let delete = world.event("delete-second-factor", &ada, &task).await;
    let code = world.code_of(&ada, 0);
    let with = |password: &str, code: &str| {
        delete.clone().body(&json!({ "password": password, "code": code }))
    };
    let answer = world.send(&with("six quiet bells at dawn", &code)).await;
    assert_eq!((answer.status, answer.errors()), (422, vec![("password", "wrong_password")]));
    let used = world.code_of(&ada, -1);
    for wrong in ["000000", &used, "k7mq2-9xw4t"] {
        let answer = world.send(&with(PASSWORD, wrong)).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![("code", "wrong_code")]), "{wrong}");
    }
    assert!(world.has_second_factor(&ada).await);
    assert_eq!(world.send(&with(PASSWORD, &code)).await.status, 204);
    assert!(!world.has_second_factor(&ada).await);
    assert_eq!(world.send(&with(PASSWORD, &code)).await.status, 404, "there is none");
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 200);
    let mails = world.mails().await;
    let mail = &mails.last().expect("a mail").1;
    assert!(mail.contains("second factor of your Taskbell account was removed"), "{mail}");
}

#[tokio::test]
async fn deleting_counts_against_the_limit_of_guesses() {
    let (world, ada, task) = World::seeded().await;
    let delete = world.event("delete-second-factor", &ada, &task).await;
    let wrong = delete.clone().body(&json!({ "password": PASSWORD, "code": "000000" }));
    for _ in 0..5 {
        assert_eq!(world.send(&wrong).await.status, 422);
    }
    assert_eq!(told(&world.send(&delete).await), (429, "too_many_requests"));
    let code = world.code_of(&ada, 0);
    assert_eq!(world.log_in_by_code(&ada, &task, Some(&code)).await.status, 429);
    assert!(world.has_second_factor(&ada).await);
}

#[tokio::test]
async fn operators_without_a_second_factor_are_refused_where_the_stack_requires_one() {
    let (mut world, ada, task) = World::seeded().await;
    world.operator_second_factor = OperatorSecondFactor::Required;
    let functions = [
        "list-users",
        "invite-user",
        "get-user",
        "update-user",
        "create-notification",
        "get-notification",
    ];
    for function in functions {
        let event = world.event(function, &ada, &task).await;
        let event = event.path("user_id", &ada.id.to_string());
        let before = world.store.contents();
        let answer = world.send(&event).await;
        assert_eq!(told(&answer), (403, "second_factor_missing"), "{function}");
        assert_eq!(world.store.contents(), before, "{function}");
    }
    world.start(&operator(), &task).await;
    let event = world.event("list-users", &ada, &task).await;
    assert_eq!(world.send(&event).await.status, 403, "it is not confirmed");
    let claim = world.event("become-operator", &ada, &task).await;
    assert_eq!(world.send(&claim).await.status, 202, "an operator can be made");

    let (mut world, ada, task) = World::seeded().await;
    world.operator_second_factor = OperatorSecondFactor::Required;
    world.add_second_factor(&operator(), true).await;
    for function in functions {
        let event = world.event(function, &ada, &task).await;
        let answer = world.send(&event).await;
        assert!(answer.status < 300, "{function}: {}", answer.body);
    }
    let bearer = format!("Bearer {}", world.access_token(&ada));
    let event = world.event("list-users", &ada, &task).await.header("authorization", &bearer);
    let answer = world.send(&event).await;
    assert_eq!(told(&answer), (403, "forbidden"), "others are told nothing about operators");
}
