//! Accounts, sessions and operators.

use serde_json::{Value, json};
use taskbell_e2e::{PASSWORD, User, send, wait_for, word_in};

use crate::NONE;

#[test]
fn an_account_is_registered_changed_and_logged_out() {
    let mut ada = User::new();
    assert_eq!(ada.get("/v1/me").body["email"], json!(ada.email));
    let patched = ada.send("PATCH", "/v1/me", &[], &json!({"time_zone": "Asia/Tokyo"}));
    assert_eq!((patched.status, &patched.body["time_zone"]), (200, &json!("Asia/Tokyo")));

    let json_type = [("content-type", "application/json")];
    let first = json!({"refresh_token": ada.tokens["refresh_token"]}).to_string();
    let refreshed = send("POST", "/v1/auth/refresh", &json_type, Some(&first));
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    ada.tokens = refreshed.body;
    assert_eq!(ada.post("/v1/auth/logout", NONE).status, 204);
    let second = json!({"refresh_token": ada.tokens["refresh_token"]}).to_string();
    let ended = send("POST", "/v1/auth/refresh", &json_type, Some(&second));
    assert_eq!((ended.status, &ended.body["code"]), (401, &json!("invalid_refresh_token")));

    let again =
        json!({"email": ada.email.to_uppercase(), "password": PASSWORD, "name": "x"}).to_string();
    let known = send("POST", "/v1/auth/register", &json_type, Some(&again));
    assert_eq!((known.status, known.body.get("id")), (202, None), "as for a new address");
    let mail = wait_for("what to do instead", || ada.mails().pop());
    assert_eq!(mail["Subject"], "You already have a Taskbell account");
}

#[test]
fn reusing_a_refresh_token_ends_the_session() {
    let ada = User::new();
    let refresh = |token: &Value| {
        let body = json!({ "refresh_token": token }).to_string();
        send("POST", "/v1/auth/refresh", &[("content-type", "application/json")], Some(&body))
    };
    let next = refresh(&ada.tokens["refresh_token"]);
    assert_eq!(next.status, 200);
    let next = refresh(&ada.tokens["refresh_token"]);
    assert_eq!(next.status, 200, "the response was lost");
    let latest = refresh(&next.body["refresh_token"]);
    assert_eq!(latest.status, 200);
    assert_eq!(refresh(&ada.tokens["refresh_token"]).status, 401);
    assert_eq!(refresh(&latest.body["refresh_token"]).status, 401, "reuse ends the session");
}

#[test]
fn a_password_reset_ends_all_sessions() {
    let ada = User::new();
    let json_type = [("content-type", "application/json")];
    let ask = |email: &str| {
        send(
            "POST",
            "/v1/auth/forgot-password",
            &json_type,
            Some(&json!({ "email": email }).to_string()),
        )
    };
    let (known, unknown) = (ask(&ada.email), ask("nobody@example.com"));
    assert_eq!((known.status, unknown.status, known.body), (202, 202, unknown.body));
    let mail = wait_for("the code", || ada.mails().pop());
    let code = word_in(&mail, |word| word.len() == 59 && word.contains('.')).expect("a code");
    let set = |password: &str| {
        let body = json!({ "code": code, "password": password }).to_string();
        send("POST", "/v1/auth/reset-password", &json_type, Some(&body))
    };
    assert_eq!(set("password1234").body["errors"][0]["code"], "too_common");
    assert_eq!(set("six quiet bells at dawn").status, 204);
    assert_eq!(set("seven quiet bells at dawn").body["code"], "invalid_code", "it works once");
    let refresh = json!({ "refresh_token": ada.tokens["refresh_token"] }).to_string();
    assert_eq!(send("POST", "/v1/auth/refresh", &json_type, Some(&refresh)).status, 401);
    let log_in = |password: &str| {
        let body = json!({ "email": ada.email, "password": password }).to_string();
        send("POST", "/v1/auth/login", &json_type, Some(&body))
    };
    assert_eq!(log_in(PASSWORD).status, 401);
    assert_eq!(ada.get("/v1/me").status, 401, "the access token was issued before");
    let again = log_in("six quiet bells at dawn");
    assert_eq!(again.status, 200, "{}", again.body);
    let ada = User { tokens: again.body, ..ada };
    assert_eq!(ada.get("/v1/me").body["email_verified"], true, "the reset verifies the address");
}

#[test]
fn password_guessing_is_limited_and_responses_have_rate_limit_headers() {
    let ada = User::new();
    let profile = ada.get("/v1/me");
    assert!(profile.header("ratelimit").starts_with("\"requests\";r="), "{:?}", profile.headers);
    let wrong = json!({"email": ada.email, "password": "wrong wrong wrong"}).to_string();
    let json = [("content-type", "application/json")];
    let answers: Vec<_> =
        (0..11).map(|_| send("POST", "/v1/auth/login", &json, Some(&wrong))).collect();
    assert_eq!(
        (answers[0].status, answers[0].body["code"].as_str()),
        (401, Some("invalid_credentials"))
    );
    let last = &answers[10];
    assert_eq!((last.status, last.body["code"].as_str()), (429, Some("too_many_requests")));
    assert!(last.header("retry-after").parse::<u32>().expect("seconds") <= 600);
    // The open session continues.
    assert_eq!(ada.get("/v1/me").status, 200);
}

#[test]
fn an_operator_finds_messages_disables_and_enables_a_user() {
    let operator = User::operator();
    let ada = User::new();
    let found = operator.get(&format!("/v1/users?email={}", ada.email));
    assert_eq!(found.body["items"][0]["email"], json!(ada.email), "{}", found.body);
    let id = found.body["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(ada.get("/v1/users").status, 403);

    let words = json!({"user_id": id, "subject": "Maintenance", "text": "The bell rests on Sunday."});
    let message = operator.post("/v1/notifications", &words);
    assert_eq!(message.status, 201, "{}", message.body);
    let mails = wait_for("the message", || Some(ada.mails()).filter(|mails| !mails.is_empty()));
    assert_eq!((mails.len(), &mails[0]["Subject"]), (1, &json!("Maintenance")));
    let notification = format!("/v1/notifications/{}", message.body["id"].as_str().expect("an id"));
    wait_for("the delivery log", || {
        (operator.get(&notification).body["status"] == "sent").then_some(())
    });

    let account = format!("/v1/users/{id}");
    let disabled = operator.send("PATCH", &account, &[], &json!({"disabled": true}));
    assert_eq!(disabled.status, 200, "{}", disabled.body);
    assert_eq!(ada.get("/v1/me").body["code"], json!("account_disabled"));
    let json_type = [("content-type", "application/json")];
    let login = json!({"email": ada.email, "password": PASSWORD}).to_string();
    let refused = send("POST", "/v1/auth/login", &json_type, Some(&login));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("account_disabled")));
    operator.send("PATCH", &account, &[], &json!({"disabled": false}));
    assert_eq!(ada.get("/v1/me").status, 401, "the access token was issued before");
    assert_eq!(send("POST", "/v1/auth/login", &json_type, Some(&login)).status, 200);
}
