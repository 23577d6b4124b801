//! Accounts, sessions and the profile.

use serde_json::json;
use taskbell_api::passwords;
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    ports::{Profiles, Registrations, Sessions, SpaceChanges},
    text::SpaceName,
    user::{MailKind, User},
};
use taskbell_test::fixtures::{space, user};

use crate::support::{PASSWORD, World, unsubscribe_token};

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_response() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("log-in", &ada, &task).await;
    let attempt = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        let mut answer = world.send(&event.clone().body(&body)).await;
        answer.headers.remove("ratelimit").expect("each attempt is counted");
        answer
    };
    let wrong = attempt("user1@example.com", "wrong wrong wrong").await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    for email in ["nobody@example.com", "not an address", ""] {
        let unknown = attempt(email, PASSWORD).await;
        assert_eq!(
            (unknown.status, &unknown.headers, &unknown.body),
            (wrong.status, &wrong.headers, &wrong.body)
        );
    }
    assert_eq!(attempt("USER1@example.com", PASSWORD).await.status, 200, "an address in another case");
}

#[tokio::test]
async fn an_access_token_opens_the_api_and_a_refresh_token_works_until_its_successor_is_used() {
    let (world, ada, task) = World::seeded().await;
    let tokens = world.send(&world.event("log-in", &ada, &task).await).await.body;
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    let profile = world.event("get-profile", &ada, &task).await.header("authorization", &bearer);
    assert_eq!(world.send(&profile).await.body["id"], json!(ada.id));

    let refresh = world.event("refresh-session", &ada, &task).await;
    let first = refresh.clone().body(&json!({"refresh_token": tokens["refresh_token"]}));
    let lost = world.send(&first).await;
    assert_eq!(lost.status, 200);
    let next = world.send(&first).await;
    assert_eq!(next.status, 200, "the response was lost");
    let second = refresh.clone().body(&json!({"refresh_token": next.body["refresh_token"]}));
    let third = world.send(&second).await;
    assert_eq!(third.status, 200);

    let reused = world.send(&first).await;
    assert_eq!((reused.status, reused.code()), (401, "invalid_refresh_token"));
    let latest = refresh.body(&json!({"refresh_token": third.body["refresh_token"]}));
    let family = world.send(&latest).await;
    assert_eq!(
        (family.status, family.code()),
        (401, "invalid_refresh_token"),
        "reuse ends the session"
    );
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("refresh-session", &ada, &task).await;
    let unknown = format!("{}.{}.{}", ada.id.body(), task.id.body(), "0".repeat(64));
    for bad in ["", "x", "a.b.c", &unknown] {
        let answer = world.send(&event.clone().body(&json!({"refresh_token": bad}))).await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_refresh_token"), "{bad}");
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_of_the_token() {
    let (world, ada, task) = World::seeded().await;
    let refresh = world.event("refresh-session", &ada, &task).await;
    let log_out = world.event("log-out", &ada, &task).await;
    let token = world.refresh_token(&ada).await;
    assert_eq!(world.send(&log_out).await.status, 204);
    let answer = world.send(&refresh.body(&json!({ "refresh_token": token }))).await;
    assert_eq!(answer.code(), "invalid_refresh_token");
    world.store.close_session(ada.id, world.session()).await.expect("a repetition succeeds");
}

#[tokio::test]
async fn weak_passwords_and_invalid_addresses_are_reported_together() {
    let (world, ada, task) = World::seeded().await;
    let body = json!({"email": "ada@localhost", "password": "password1234", "name": "\r\n", "time_zone": "Mars"});
    let answer = world.send(&world.event("register-user", &ada, &task).await.body(&body)).await;
    assert_eq!(answer.status, 422);
    let mut errors = answer.errors();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            ("email", "invalid_email"),
            ("name", "too_short"),
            ("password", "too_common"),
            ("time_zone", "unknown_time_zone"),
        ]
    );
}

#[tokio::test]
async fn names_with_hidden_characters_or_urls_are_refused() {
    let (world, ada, task) = World::seeded().await;
    for (name, code) in [
        ("Win at evil.com", "contains_url"),
        ("www.evil", "contains_url"),
        ("Ad\u{202e}a", "invalid_characters"),
        ("Ad\u{200b}a", "invalid_characters"),
        ("\u{3164}", "too_short"),
    ] {
        for function in ["update-profile", "create-space"] {
            let event = world.event(function, &ada, &task).await.body(&json!({ "name": name }));
            let refused = world.send(&event).await;
            assert_eq!((refused.status, refused.errors()), (422, vec![("name", code)]), "{function}");
        }
    }
}

#[tokio::test]
async fn stored_names_and_addresses_stay_usable_under_stricter_rules() {
    let (world, ada, task) = World::seeded().await;
    let email = EmailAddress::parse_trusted("=?x@example.com").expect("an address");
    let old = User { email, ..user(50) };
    let password_hash = passwords::new_hash(PASSWORD, &world.random).expect("a hash");
    let credential = Credential { user: old.id, password_hash };
    world.store.register(&old, &credential, None).await.expect("no store error");
    let log_in = world.event("log-in", &ada, &task).await;
    let log_in = log_in.body(&json!({"email": old.email, "password": PASSWORD}));
    assert_eq!(world.send(&log_in).await.status, 200);
    let forgot = world.event("forgot-password", &ada, &task).await;
    assert_eq!(world.send(&forgot.body(&json!({"email": old.email}))).await.status, 202);
    let (mut tower, owner) = space(50, &ada);
    tower.name = SpaceName::parse_trusted("www.evil.com").expect("a line");
    world.store.create_space(&tower, &owner, None, None).await.expect("no store error");
    let delete = world.event("delete-space", &ada, &task).await;
    let delete = delete.path("space_id", &tower.id.to_string()).query("name=www.evil.com");
    assert_eq!(world.send(&delete).await.status, 204);
}

#[tokio::test]
async fn a_profile_patch_changes_only_the_given_fields() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("update-profile", &ada, &task).await;
    let nothing = world.send(&event.clone().body(&json!({}))).await;
    assert_eq!((nothing.status, &nothing.body["updated_at"]), (200, &json!(ada.updated_at)));
    let named = world.send(&event.clone().body(&json!({"name": "Countess"}))).await;
    assert_eq!(
        (&named.body["name"], &named.body["time_zone"]),
        (&json!("Countess"), &json!("Europe/Berlin"))
    );
    let cleared = world.send(&event.clone().body(&json!({"default_reminders": null}))).await;
    assert_eq!(cleared.body["default_reminders"], json!([]));
    let bad = json!({"mail": {"reminders": "no", "spam": true}, "default_reminders": [{"at": "2026-03-01T09:00:00Z"}], "email": "x@example.com"});
    let refused = world.send(&event.body(&bad)).await;
    let mut errors = refused.errors();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            ("default_reminders[0].at", "unknown_field"),
            ("email", "unknown_field"),
            ("mail.reminders", "wrong_type"),
            ("mail.spam", "unknown_field"),
        ]
    );
}

#[tokio::test]
async fn an_unsubscribe_link_turns_reminders_off_only_on_post() {
    let (world, ada, task) = World::seeded().await;
    let post = world.event("unsubscribe", &ada, &task).await;
    let mut get = post.clone();
    get.json["requestContext"]["http"]["method"] = json!("GET");
    let wants = async || {
        let user = world.store.user(ada.id).await.expect("no store error").expect("the user");
        user.mail.wants(MailKind::Reminders)
    };
    let page = world.send(&get).await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(wants().await, "GET changes nothing");
    assert_eq!(world.send(&post).await.status, 200);
    assert!(!wants().await);
    assert_eq!(world.send(&post).await.status, 200, "a repetition changes nothing");
}

#[tokio::test]
async fn a_forged_unsubscribe_link_gets_the_same_404_as_an_unknown_one() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("unsubscribe", &ada, &task).await;
    let stranger = taskbell_test::fixtures::user(9);
    let missing = unsubscribe_token(&stranger, MailKind::Reminders);
    let [good, other] =
        [MailKind::Reminders, MailKind::Digest].map(|kind| unsubscribe_token(&ada, kind));
    let (signed, _) = good.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    let wrong = format!("{signed}.{signature}");
    let expected = world.send(&event.clone().path("token", &missing)).await;
    assert_eq!(expected.status, 404);
    let before = world.store.contents();
    for token in [wrong.as_str(), signed, "", ".", "x.y", &ada.id.body()] {
        let answer = world.send(&event.clone().path("token", token)).await;
        assert_eq!((answer.status, &answer.body), (404, &expected.body), "{token}");
    }
    assert!(world.store.contents() == before, "the store is unchanged");
}
