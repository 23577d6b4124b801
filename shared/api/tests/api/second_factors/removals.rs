//! The removal of a lost second factor by mail and a waiting time, and attacks on it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    rate_limit::SECOND_FACTOR_REMOVALS,
    second_factor::{REMOVAL_DELAY, REMOVAL_LIFETIME},
    task::Task,
    user::User,
};

use super::told;
use crate::support::{Answer, PASSWORD, World, operator};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The code in a mail.
fn code_in(mail: &str) -> Option<String> {
    mail.lines().find(|line| line.len() == 26 + 1 + 32 && line.contains('.')).map(str::to_owned)
}

impl World {
    async fn ask(&self, user: &User, task: &Task, password: &str) -> Answer {
        let event = self.event("log-in", user, task).await;
        let mut event = event.body(&json!({ "email": user.email, "password": password }));
        event.function = "remove-second-factor".to_owned();
        self.send(&event).await
    }

    /// Asks for the removal. Returns the code and all mails that were sent.
    async fn removal_requested(&self, user: &User, task: &Task) -> (String, Vec<(String, String)>) {
        let answer = self.ask(user, task, PASSWORD).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let mails = self.mails().await;
        let code = mails.iter().find_map(|(_, mail)| code_in(mail)).expect("a code");
        (code, mails)
    }

    async fn redeem_removal(&self, user: &User, task: &Task, code: &str) -> Answer {
        let mut event = self.event("log-in", user, task).await.body(&json!({ "code": code }));
        event.function = "remove-second-factor".to_owned();
        self.send(&event).await
    }
}

#[tokio::test]
async fn a_lost_second_factor_is_removed_by_the_mailed_code_after_a_day() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let (code, mails) = world.removal_requested(&ada, &task).await;
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|(to, _)| to == ada.email.as_str()));
    let warning = &mails.iter().find(|(_, mail)| code_in(mail).is_none()).expect("a warning").1;
    let text = warning.replace("=\r\n", "");
    assert!(text.contains("The code works from: Monday, 2 March 2026, 09:00"), "{warning}");
    assert!(text.contains("which cancels the request"), "{warning}");

    let early = world.redeem_removal(&ada, &task, &code).await;
    assert_eq!(told(&early), (404, "invalid_code"));
    world.clock.advance(REMOVAL_DELAY - SECOND);
    assert_eq!(told(&world.redeem_removal(&ada, &task, &code).await), (404, "invalid_code"));
    assert!(world.has_second_factor(&ada).await);
    world.clock.advance(SECOND);
    assert_eq!(world.redeem_removal(&ada, &task, &code).await.status, 204);
    assert!(!world.has_second_factor(&ada).await);
    assert_eq!(told(&world.redeem_removal(&ada, &task, &code).await), (404, "invalid_code"), "twice");
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 200);
    assert!(world.mails().await.iter().any(|(_, mail)| mail.contains("was removed")));
}

#[tokio::test]
async fn the_mailed_code_stops_working_after_three_days() {
    for (late, status) in [(REMOVAL_LIFETIME - SECOND, 204), (REMOVAL_LIFETIME, 404)] {
        let (world, ada, task) = World::seeded().await;
        world.add_second_factor(&ada, true).await;
        let (code, _) = world.removal_requested(&ada, &task).await;
        world.clock.advance(late);
        assert_eq!(world.redeem_removal(&ada, &task, &code).await.status, status, "{late:?}");
        assert_eq!(world.has_second_factor(&ada).await, status == 404);
    }
}

#[tokio::test]
async fn a_repeated_request_does_not_prolong_the_three_days() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    world.removal_requested(&ada, &task).await;
    world.clock.advance(REMOVAL_LIFETIME - SignedDuration::from_hours(1));
    let (newest, _) = world.removal_requested(&ada, &task).await;
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(told(&world.redeem_removal(&ada, &task, &newest).await), (404, "invalid_code"));
    assert!(world.has_second_factor(&ada).await);
}

#[tokio::test]
async fn a_log_in_with_the_second_factor_cancels_the_removal() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let (code, _) = world.removal_requested(&ada, &task).await;
    world.clock.advance(REMOVAL_DELAY);
    let wrong = world.log_in_by_code(&ada, &task, Some("000000")).await;
    assert_eq!(told(&wrong), (401, "invalid_second_factor"));
    let right = world.code_of(&ada, 0);
    assert_eq!(world.log_in_by_code(&ada, &task, Some(&right)).await.status, 200);
    assert_eq!(told(&world.redeem_removal(&ada, &task, &code).await), (404, "invalid_code"));
    assert!(world.has_second_factor(&ada).await);
    // The code of an old request does not become valid by a new one.
    let (new, _) = world.removal_requested(&ada, &task).await;
    world.clock.advance(REMOVAL_DELAY);
    assert_eq!(told(&world.redeem_removal(&ada, &task, &code).await), (404, "invalid_code"));
    assert_eq!(world.redeem_removal(&ada, &task, &new).await.status, 204);
}

#[tokio::test]
async fn a_wrong_password_alone_and_a_failed_log_in_do_not_cancel_the_removal() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let (code, _) = world.removal_requested(&ada, &task).await;
    world.clock.advance(REMOVAL_DELAY);
    assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 401);
    assert_eq!(world.redeem_removal(&ada, &task, &code).await.status, 204);
}

#[tokio::test]
async fn a_code_of_another_user_or_purpose_removes_nothing() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    world.add_second_factor(&ada, true).await;
    world.add_second_factor(&eve, true).await;
    let (ada_code, _) = world.removal_requested(&ada, &task).await;
    let (eve_code, _) = world.removal_requested(&eve, &task).await;
    world.clock.advance(REMOVAL_DELAY);
    let reset = crate::support::reset_code().to_text();
    let (id, secret) = ada_code.split_once('.').expect("two parts");
    let (eve_id, eve_secret) = eve_code.split_once('.').expect("two parts");
    let mixed = [format!("{id}.{eve_secret}"), format!("{eve_id}.{secret}")];
    for wrong in [&reset, &mixed[0], &mixed[1], "", "x", "000000", &"9".repeat(10_000)] {
        assert_eq!(
            told(&world.redeem_removal(&ada, &task, wrong).await),
            (404, "invalid_code"),
            "{wrong}"
        );
    }
    assert_eq!(world.redeem_removal(&ada, &task, &eve_code).await.status, 204);
    assert!(world.has_second_factor(&ada).await && !world.has_second_factor(&eve).await);
    // Nor does the code do anything else.
    let event = world.event("reset-password", &ada, &task).await;
    let body = json!({ "code": ada_code, "password": "six quiet bells at dawn" });
    assert_eq!(told(&world.send(&event.body(&body)).await), (404, "invalid_code"));
}

#[tokio::test]
async fn a_flood_of_requests_causes_few_mails_and_does_not_delay_the_removal() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let (first, _) = world.removal_requested(&ada, &task).await;
    let mut mails = Vec::new();
    for _ in 0..30 {
        world.next_window();
        assert_eq!(world.ask(&ada, &task, PASSWORD).await.status, 202);
        mails.extend(world.mails().await);
    }
    let codes: Vec<_> = mails.iter().filter_map(|(_, mail)| code_in(mail)).collect();
    assert_eq!(mails.len() + 1, SECOND_FACTOR_REMOVALS.max as usize, "the warning is sent once");
    world.clock.set(taskbell_test::fixtures::now() + REMOVAL_DELAY - SECOND);
    let newest = codes.last().expect("a code");
    assert_eq!(world.redeem_removal(&ada, &task, newest).await.status, 404);
    world.clock.advance(SECOND);
    assert_eq!(
        told(&world.redeem_removal(&ada, &task, &first).await),
        (404, "invalid_code"),
        "replaced"
    );
    assert_eq!(world.redeem_removal(&ada, &task, newest).await.status, 204);
}

#[tokio::test]
async fn an_unknown_address_a_wrong_password_and_no_second_factor_get_the_same_response() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    world.add_second_factor(&ada, true).await;
    let started_only = world.register(3).await;
    world.start(&started_only, &task).await;
    let unknown = taskbell_test::fixtures::user(4);
    let mut responses = Vec::new();
    for (user, password) in [
        (&ada, "six quiet bells at dawn"),
        (&eve, "six quiet bells at dawn"),
        (&eve, PASSWORD),
        (&started_only, PASSWORD),
        (&unknown, PASSWORD),
    ] {
        let answer = world.ask(user, &task, password).await;
        let mut body = answer.body;
        body["request_id"] = Value::Null;
        responses.push((answer.status, body.to_string()));
    }
    assert!(world.mails().await.is_empty());
    responses.dedup();
    assert_eq!((responses.len(), responses[0].0), (1, 401), "{responses:?}");
}

#[tokio::test]
async fn requests_are_limited_like_log_ins_and_together_with_them() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    for _ in 0..5 {
        assert_eq!(world.ask(&ada, &task, "six quiet bells at dawn").await.status, 401);
        assert_eq!(world.log_in_by_code(&ada, &task, None).await.status, 401);
    }
    assert_eq!(told(&world.ask(&ada, &task, PASSWORD).await), (429, "too_many_requests"));
}

#[tokio::test]
async fn a_blocked_account_keeps_its_second_factor() {
    let (world, ada, task) = World::seeded().await;
    world.add_second_factor(&ada, true).await;
    let (code, _) = world.removal_requested(&ada, &task).await;
    world.clock.advance(REMOVAL_DELAY);
    let block = world.event("update-user", &operator(), &task).await;
    let block = block.path("user_id", &ada.id.to_string()).body(&json!({ "disabled": true }));
    assert_eq!(world.send(&block).await.status, 200);
    assert_eq!(told(&world.redeem_removal(&ada, &task, &code).await), (403, "account_disabled"));
    assert_eq!(told(&world.ask(&ada, &task, PASSWORD).await), (403, "account_disabled"));
    assert!(world.has_second_factor(&ada).await);
}

#[tokio::test]
async fn a_request_has_either_a_code_or_an_address_and_a_password() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("remove-second-factor", &ada, &task).await;
    for (body, errors) in [
        (json!({}), vec![("email", "required"), ("password", "required")]),
        (json!({ "email": "ada@example.com" }), vec![("password", "required")]),
        (json!({ "code": "x", "email": "ada@example.com" }), vec![("code", "unsupported")]),
        (json!({ "code": "x", "password": PASSWORD }), vec![("code", "unsupported")]),
    ] {
        let answer = world.send(&event.clone().body(&body)).await;
        assert_eq!((answer.status, answer.errors()), (422, errors), "{body}");
    }
}
