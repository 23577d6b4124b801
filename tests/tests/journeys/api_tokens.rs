//! Programs with API tokens.

use serde_json::{Value, json};
use taskbell_e2e::{PASSWORD, User, in_seconds, path_of};

use crate::{NONE, own_account::mail_to};

#[test]
fn a_program_does_what_its_token_allows_until_the_token_is_deleted() {
    let ada = User::new();
    let space = ada.post("/v1/spaces", &json!({"name": "Bell tower"})).body["id"].clone();
    let there = format!("/v1/tasks?space={}", space.as_str().expect("an id"));
    let ours = ada.post(&there, &json!({"title": "Ours"})).body;
    let mine = ada.create(&json!({"title": "Mine"}));
    let create = |name: &str, scopes: Value, space: &Value| {
        let wanted = json!({
            "name": name, "scopes": scopes, "space": space, "expires_at": in_seconds(86_400), "password": PASSWORD,
        });
        let created = ada.post("/v1/me/tokens", &wanted);
        assert_eq!(created.status, 201, "{}", created.body);
        let tokens = json!({"access_token": created.body["token"]});
        (User { email: ada.email.clone(), tokens }, created.body["id"].clone())
    };
    let (reader, id) = create("Reader", json!(["tasks:read"]), NONE);
    let (confined, _) = create("Bell", json!(["tasks:read", "tasks:write"]), &space);
    let mail = mail_to(&ada, "An API token was created for your account");
    let text = mail["BodyText"].as_str().expect("a text");
    assert!(text.contains("Reader") || text.contains("Bell"), "{text}");

    assert_eq!(reader.get(&path_of(&mine)).body, mine);
    assert_eq!(reader.get(&path_of(&ours)).status, 200);
    let refused = reader.post("/v1/tasks", &json!({"title": "No"}));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("insufficient_scope")));
    for path in ["/v1/me/tokens", "/v1/me/sessions"] {
        assert_eq!(reader.get(path).body["code"], "session_required", "{path}");
    }
    assert_eq!(reader.get("/v1/me").body["code"], "insufficient_scope");

    assert_eq!(confined.post(&format!("{}/complete", path_of(&ours)), NONE).status, 200);
    assert_eq!(confined.get(&path_of(&mine)).status, 404);
    assert_eq!(confined.post(&there, &json!({"title": "In the tower"})).status, 201);
    let exported = confined.get("/v1/export?format=csv");
    let rows = exported.body.as_str().expect("rows");
    assert!(rows.contains("In the tower") && !rows.contains("Mine"), "{rows}");

    let listed = ada.get("/v1/me/tokens").body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    let path = format!("/v1/me/tokens/{}", id.as_str().expect("an id"));
    assert_eq!(ada.send("DELETE", &path, &[], NONE).status, 204);
    assert_eq!(reader.get(&path_of(&mine)).status, 401);
    assert_eq!(confined.get(&path_of(&ours)).status, 200, "the other one still works");
}
