//! What users do with their own account: password, address, sessions, second factor, deletion.

use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use taskbell_e2e::{Answer, PASSWORD, User, path_of, send, wait_for, word_in};

use crate::{NONE, spaces::shared_space};

/// Another password.
const NEW_PASSWORD: &str = "six quiet bells at dawn";

fn public(path: &str, body: &Value) -> Answer {
    send("POST", path, &[("content-type", "application/json")], Some(&body.to_string()))
}

fn log_in(email: &str, password: &str) -> Answer {
    public("/v1/auth/login", &json!({"email": email, "password": password}))
}

fn refresh(token: &Value) -> Answer {
    public("/v1/auth/refresh", &json!({"refresh_token": token}))
}

/// Waits for a mail with this subject.
pub(crate) fn mail_to(user: &User, subject: &str) -> Value {
    wait_for(subject, || user.mails().into_iter().find(|mail| mail["Subject"] == subject))
}

/// Waits for the code in a mail with this subject.
fn code_to(user: &User, subject: &str) -> String {
    let mail = mail_to(user, subject);
    word_in(&mail, |word| word.len() == 59 && word.contains('.')).expect("a code")
}

#[test]
fn a_change_of_the_password_ends_all_other_sessions() {
    let ada = User::new();
    let phone = log_in(&ada.email, PASSWORD).body;
    let change = |current: &str| {
        let body = json!({"current_password": current, "new_password": NEW_PASSWORD});
        ada.post("/v1/me/password", &body)
    };
    assert_eq!(change("not the password").body["errors"][0]["field"], "current_password");
    let changed = change(PASSWORD);
    assert_eq!(changed.status, 200, "{}", changed.body);
    for ended in [&phone["refresh_token"], &ada.tokens["refresh_token"]] {
        assert_eq!(refresh(ended).status, 401);
    }
    assert_eq!(ada.get("/v1/me").status, 401, "the access token was issued before");
    assert_eq!(refresh(&changed.body["refresh_token"]).status, 200);
    mail_to(&ada, "Your Taskbell password was changed");
    let statuses = [PASSWORD, NEW_PASSWORD].map(|password| log_in(&ada.email, password).status);
    assert_eq!(statuses, [401, 200]);
}

#[test]
fn a_change_of_the_address_is_confirmed_at_the_new_one_and_undone_from_the_old_one() {
    let ada = User::new();
    let moved = User { email: ada.email.replacen('@', ".new@", 1), tokens: ada.tokens.clone() };
    let wanted = json!({"email": moved.email, "password": PASSWORD});
    assert_eq!(ada.post("/v1/me/email", &wanted).status, 202);
    assert_eq!(ada.get("/v1/me").body["email"], json!(ada.email), "nothing changes before");
    let code = code_to(&moved, "Confirm your new email address");
    let changed = ada.post("/v1/me/email/confirm", &json!({"code": code}));
    assert_eq!((changed.status, &changed.body["email"]), (200, &json!(moved.email)));
    assert_eq!(changed.body["email_verified"], true);
    let statuses = [&ada.email, &moved.email].map(|email| log_in(email, PASSWORD).status);
    assert_eq!(statuses, [401, 200]);

    let undo = json!({"code": code_to(&ada, "The address of your Taskbell account was changed")});
    assert_eq!(public("/v1/auth/undo-email-change", &undo).status, 204);
    assert_eq!(public("/v1/auth/undo-email-change", &undo).body["code"], "invalid_code");
    assert_eq!(ada.get("/v1/me").status, 401, "all sessions have ended");
    let statuses = [&ada.email, &moved.email].map(|email| log_in(email, PASSWORD).status);
    assert_eq!(statuses, [401, 401], "the password is locked");
    assert_eq!(public("/v1/auth/forgot-password", &json!({"email": ada.email})).status, 202);
    let code = code_to(&ada, "Reset your Taskbell password");
    let reset = json!({"code": code, "password": NEW_PASSWORD});
    assert_eq!(public("/v1/auth/reset-password", &reset).status, 204);
    let back = log_in(&ada.email, NEW_PASSWORD);
    assert_eq!((back.status, &back.body["user"]["email"]), (200, &json!(ada.email)));
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let ada = User::new();
    let [phone, tablet] = [0, 1].map(|_| log_in(&ada.email, PASSWORD).body);
    let list = || ada.get("/v1/me/sessions").body["items"].as_array().cloned().expect("a list");
    let open = list();
    let current: Vec<_> = open.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, false, true], "the latest first: {open:?}");
    let end = |session: &Value| {
        let path = format!("/v1/me/sessions/{}", session["id"].as_str().expect("an id"));
        ada.send("DELETE", &path, &[], NONE).status
    };
    assert_eq!((end(&open[1]), end(&open[1])), (204, 404));
    let still = [&phone, &tablet].map(|tokens| refresh(&tokens["refresh_token"]).status);
    assert_eq!(still.iter().filter(|status| **status == 200).count(), 1, "{still:?}");
    assert_eq!(ada.send("DELETE", "/v1/me/sessions", &[], NONE).status, 204);
    assert_eq!(list().len(), 1);
    assert_eq!(refresh(&ada.tokens["refresh_token"]).status, 200, "the own one continues");
}

/// The code of an authenticator app (RFC 6238): of the current step, or of one after it.
fn app_code(secret: &str, later: u64) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut key, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in secret.chars() {
        let value = ALPHABET.find(letter).expect("base32");
        bits = bits << 5 | u32::try_from(value).expect("five bits");
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push((bits >> count & 0xff) as u8);
        }
    }
    let step = u64::try_from(Timestamp::now().as_second()).expect("after 1970") / 30 + later;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let four = tag[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

#[test]
fn with_a_second_factor_a_log_in_needs_a_code_of_the_app_or_a_recovery_code() {
    let ada = User::new();
    let phone = log_in(&ada.email, PASSWORD).body;
    let started = ada.post("/v1/me/second-factor", &json!({"password": PASSWORD}));
    assert_eq!(started.status, 200, "{}", started.body);
    let secret = started.body["secret"].as_str().expect("a secret");
    assert_eq!(log_in(&ada.email, PASSWORD).status, 200, "it is not confirmed yet");
    let code = json!({"code": app_code(secret, 0)});
    let confirmed = ada.post("/v1/me/second-factor/confirm", &code);
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    mail_to(&ada, "A second factor was added to your Taskbell account");
    assert_eq!(refresh(&phone["refresh_token"]).status, 401, "it was opened without the factor");

    let log_in_with = |code: &Value| {
        let body = json!({"email": ada.email, "password": PASSWORD, "code": code});
        let answer = public("/v1/auth/login", &body);
        (answer.status, answer.body["code"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(log_in_with(NONE), (401, "second_factor_required".to_owned()));
    assert_eq!(log_in_with(&code["code"]), (401, "invalid_second_factor".to_owned()), "it was used");
    assert_eq!(log_in_with(&json!(app_code(secret, 1))).0, 200);
    let recovery = &confirmed.body["recovery_codes"];
    assert_eq!(log_in_with(&recovery[0]).0, 200);
    assert_eq!(log_in_with(&recovery[0]).0, 401, "it works once");

    let renewed = refresh(&ada.tokens["refresh_token"]);
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let ada = User { tokens: renewed.body, ..ada };
    let removal = json!({"password": PASSWORD, "code": recovery[1]});
    assert_eq!(ada.send("DELETE", "/v1/me/second-factor", &[], &removal).status, 204);
    mail_to(&ada, "The second factor of your Taskbell account was removed");
    assert_eq!(log_in(&ada.email, PASSWORD).status, 200);
}

#[test]
fn a_deleted_account_leaves_its_comments_and_its_address_is_free() {
    let (eve, ada) = (User::new(), User::new());
    let space = shared_space(&eve, &ada, "member");
    let id = ada.get("/v1/me").body["id"].clone();
    let task = eve.post(&format!("/v1/tasks?space={space}"), &json!({"title": "Ours"})).body;
    let comments = format!("{}/comments", path_of(&task));
    assert_eq!(ada.post(&comments, &json!({"text": "It stays."})).status, 201);
    let assigned = eve.send("PATCH", &path_of(&task), &[], &json!({"assigned_to": id}));
    assert_eq!(assigned.status, 200, "{}", assigned.body);
    let mine = ada.create(&json!({"title": "Mine"}));

    let wrong = ada.send("DELETE", "/v1/me", &[], &json!({"password": "not the password"}));
    assert_eq!(wrong.body["errors"][0]["code"], "wrong_password");
    assert_eq!(ada.send("DELETE", "/v1/me", &[], &json!({"password": PASSWORD})).status, 204);
    assert_eq!(ada.get(&path_of(&mine)).status, 401);
    assert_eq!(refresh(&ada.tokens["refresh_token"]).status, 401);
    assert_eq!(log_in(&ada.email, PASSWORD).status, 401);

    let members = format!("/v1/spaces/{space}/members");
    wait_for("the end of the membership", || {
        let left = eve.get(&members).body["items"].as_array().map(Vec::len) == Some(1);
        let unassigned = eve.get(&path_of(&task)).body["assigned_to"].is_null();
        (left && unassigned).then_some(())
    });
    let comment = eve.get(&comments).body["items"][0].clone();
    assert_eq!((&comment["text"], &comment["author"]), (&json!("It stays."), &id));

    let again = User::with_address(ada.email.clone());
    assert_ne!(again.get("/v1/me").body["id"], id);
    assert_eq!(again.get("/v1/tasks").body["items"], json!([]));
    assert_eq!(again.get(&members).status, 404);
}
