//! Sessions of browsers, whose refresh token is in a cookie.

use serde_json::{Value, json};
use taskbell_domain::{task::Task, user::User};
use taskbell_test::template::resources;

use crate::support::{Answer, Event, PASSWORD, World};

const LOG_IN: &str = "log-in";
const REFRESH: &str = "refresh-session";

async fn event(world: &World, function: &str, (user, task): (&User, &Task), body: &Value) -> Event {
    world.event(function, user, task).await.body(body)
}

/// A log-in that asks for the cookie.
async fn log_in(world: &World, (user, task): (&User, &Task)) -> Event {
    let body = json!({ "email": user.email, "password": PASSWORD, "cookie": true });
    event(world, LOG_IN, (user, task), &body).await
}

/// The cookie that a response sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let [set] = &answer.cookies[..] else { panic!("{:?}", answer.cookies) };
    let (pair, attributes) = set.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Max-Age=2592000; HttpOnly; Secure; SameSite=Strict");
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(answer.body.get("refresh_token"), None, "no script can read it");
    pair.to_owned()
}

#[tokio::test]
async fn a_browser_keeps_its_session_in_a_cookie() {
    let (world, ada, task) = World::seeded().await;
    let seeded = (&ada, &task);
    let first = cookie(&world.send(&log_in(&world, seeded).await).await);
    let refresh = event(&world, REFRESH, seeded, &json!({ "cookie": true })).await;
    let answer = world.send(&refresh.clone().cookies(&["theme=dark", &first])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let second = cookie(&answer);
    assert_ne!(first, second);

    let third = cookie(&world.send(&refresh.clone().cookies(&[&second])).await);
    let again = world.send(&refresh.clone().cookies(&[&first])).await;
    assert_eq!((again.status, again.code()), (401, "invalid_refresh_token"), "its successor is used");
    assert!(again.cookies.is_empty());
    let ended = world.send(&refresh.cookies(&[&third])).await;
    assert_eq!(ended.status, 401, "a used one ends the session");
}

/// The local emulator does not take cookies out of their header.
#[tokio::test]
async fn cookies_are_also_read_from_their_header() {
    let (world, ada, task) = World::seeded().await;
    let seeded = (&ada, &task);
    let pair = cookie(&world.send(&log_in(&world, seeded).await).await);
    let refresh = event(&world, REFRESH, seeded, &json!({ "cookie": true })).await;
    let twice = refresh.clone().header("cookie", &format!("{pair}; {pair}"));
    assert_eq!(world.send(&twice).await.status, 401);
    let both = refresh.header("cookie", &format!("theme=dark; {pair}")).cookies(&[&pair]);
    let answer = world.send(&both).await;
    assert_eq!(answer.status, 200, "one cookie, named in both places");
    let refresh = event(&world, REFRESH, seeded, &json!({ "cookie": true })).await;
    let next = refresh.header("cookie", &format!("theme=dark; {}", cookie(&answer)));
    assert_eq!(world.send(&next).await.status, 200);
}

#[tokio::test]
async fn clients_that_ask_for_no_cookie_get_none() {
    let (world, ada, task) = World::seeded().await;
    let mut token = Value::Null;
    for body in [
        json!({ "email": ada.email, "password": PASSWORD }),
        json!({ "email": ada.email, "password": PASSWORD, "cookie": false }),
    ] {
        let answer = world.send(&event(&world, LOG_IN, (&ada, &task), &body).await).await;
        assert!(answer.cookies.is_empty());
        token = answer.body["refresh_token"].clone();
        assert!(token.is_string());
    }
    let pair = format!("taskbell_session={}", token.as_str().expect("a token"));
    for body in [json!({}), json!({ "cookie": false })] {
        let refresh = event(&world, REFRESH, (&ada, &task), &body).await.cookies(&[&pair]);
        let answer = world.send(&refresh).await;
        assert_eq!(answer.errors(), [("refresh_token", "required")], "a cookie alone is not enough");
    }
    // A change of the password returns a token in the body: a browser puts it into its cookie.
    let body = json!({ "refresh_token": token, "cookie": true });
    let answer = world.send(&event(&world, REFRESH, (&ada, &task), &body).await).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    cookie(&answer);
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_use_the_cookie() {
    let (world, ada, task) = World::seeded().await;
    let seeded = (&ada, &task);
    let pair = cookie(&world.send(&log_in(&world, seeded).await).await);
    let refresh = event(&world, REFRESH, seeded, &json!({ "cookie": true })).await.cookies(&[&pair]);
    let contents = world.store.contents();
    for site in ["cross-site", "same-site", "none", "x"] {
        for request in [log_in(&world, seeded).await, refresh.clone()] {
            let answer = world.send(&request.header("sec-fetch-site", site)).await;
            assert_eq!((answer.status, answer.code()), (403, "cross_site"), "{site}");
            assert!(answer.cookies.is_empty());
        }
    }
    // What a form can send without the consent of CORS.
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = world.send(&refresh.clone().header("content-type", media)).await;
        assert_eq!(answer.status, 415, "{media}");
    }
    assert_eq!(world.store.contents(), contents);
    let own = world.send(&refresh.header("sec-fetch-site", "same-origin")).await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn two_cookies_of_the_name_are_no_session() {
    let (world, ada, task) = World::seeded().await;
    let seeded = (&ada, &task);
    let own = cookie(&world.send(&log_in(&world, seeded).await).await);
    let other = cookie(&world.send(&log_in(&world, seeded).await).await);
    let refresh = event(&world, REFRESH, seeded, &json!({ "cookie": true })).await;
    for cookies in [&[&*own, &*other][..], &[&*other, &*own], &["taskbell_session=", &*own], &[]] {
        let answer = world.send(&refresh.clone().cookies(cookies)).await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_refresh_token"), "{cookies:?}");
    }
    assert_eq!(world.send(&refresh.cookies(&[&own])).await.status, 200, "neither was used");
}

#[tokio::test]
async fn a_cookie_ends_with_the_log_out() {
    let (world, ada, task) = World::seeded().await;
    let opened = world.send(&log_in(&world, (&ada, &task)).await).await;
    let (pair, token) = (cookie(&opened), opened.body["access_token"].clone());
    let token = format!("Bearer {}", token.as_str().expect("a token"));
    let out = world.event("log-out", &ada, &task).await.header("authorization", &token);
    let answer = world.send(&out.clone().cookies(&[&pair])).await;
    assert_eq!(answer.status, 204);
    let deleted = "taskbell_session=; Max-Age=0; HttpOnly; Secure; SameSite=Strict";
    assert_eq!(answer.cookies, [deleted]);
    let refresh = event(&world, REFRESH, (&ada, &task), &json!({ "cookie": true })).await;
    assert_eq!(world.send(&refresh.cookies(&[&pair])).await.status, 401);
    assert!(world.send(&out).await.cookies.is_empty(), "there is none to delete");
}

/// With credentials, pages of allowed origins could read what the cookie gives.
#[test]
fn cors_allows_no_cookies() {
    let (_, api) = resources("AWS::Serverless::HttpApi").into_iter().next().expect("an API");
    let cors = &api["Properties"]["CorsConfiguration"];
    assert!(cors.is_object());
    assert_eq!(cors.get("AllowCredentials"), None);
}
