//! Shared spaces.

use serde_json::{Value, json};
use taskbell_e2e::{User, path_of, wait_for};

use crate::NONE;

/// The token in an invitation.
pub(crate) fn token_in(mail: &Value) -> String {
    let text = mail["BodyText"].as_str().expect("a text");
    let word = text.split_whitespace().find(|word| word.len() > 100 && word.matches('.').count() == 2);
    word.expect("a token").to_owned()
}

/// Creates a space that a guest joins with a role. Returns its id.
pub(crate) fn shared_space(owner: &User, guest: &User, role: &str) -> String {
    let space = owner.post("/v1/spaces", &json!({"name": "Bell tower"})).body["id"].clone();
    let space = space.as_str().expect("an id").to_owned();
    let invitation = json!({"email": guest.email, "role": role});
    let invited = owner.post(&format!("/v1/spaces/{space}/invitations"), &invitation);
    assert_eq!(invited.status, 201, "{}", invited.body);
    let mail = wait_for("the invitation", || guest.mails().pop());
    let joined = guest.post("/v1/invitations/accept", &json!({"token": token_in(&mail)}));
    assert_eq!(joined.status, 200, "{}", joined.body);
    space
}

#[test]
fn a_user_joins_a_space_by_invitation_and_is_removed() {
    let (ada, eve) = (User::new(), User::new());
    let space = ada.post("/v1/spaces", &json!({"name": "Bell tower"}));
    assert_eq!((space.status, &space.body["role"]), (201, &json!("owner")), "{}", space.body);
    let id = space.body["id"].as_str().expect("an id");
    let (there, tasks) = (format!("/v1/spaces/{id}"), format!("/v1/tasks?space={id}"));
    let made = ada.post(&tasks, &json!({"title": "Oil the bell"}));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        (eve.get(&there).status, eve.get(&tasks).status, eve.get(&path_of(&made.body)).status),
        (404, 404, 404)
    );

    let invitation = json!({"email": eve.email, "role": "viewer"});
    assert_eq!(ada.post(&format!("{there}/invitations"), &invitation).status, 201);
    let mail = wait_for("the invitation", || eve.mails().pop());
    let token = json!({"token": token_in(&mail)});
    let joined = eve.post("/v1/invitations/accept", &token);
    assert_eq!((joined.status, &joined.body["role"]), (200, &json!("viewer")), "{}", joined.body);
    assert_eq!(eve.post("/v1/invitations/accept", &token).status, 404, "it works once");

    assert_eq!(eve.get(&path_of(&made.body)).status, 200);
    assert_eq!(eve.post(&format!("{}/complete", path_of(&made.body)), NONE).status, 403);
    let eve_id = eve.get("/v1/me").body["id"].clone();
    let member = format!("{there}/members/{}", eve_id.as_str().expect("an id"));
    assert_eq!(ada.send("PATCH", &member, &[], &json!({"role": "member"})).body["role"], "member");
    let assigned = ada.send("PATCH", &path_of(&made.body), &[], &json!({"assigned_to": eve_id}));
    assert_eq!(assigned.status, 200, "{}", assigned.body);
    wait_for("the assignment mail", || {
        eve.mails().iter().any(|mail| mail["Subject"] == "Assigned to you: Oil the bell").then_some(())
    });
    let mine = wait_for("the list", || {
        eve.get("/v1/tasks?assigned_to=me").body["items"]
            .as_array()
            .filter(|items| !items.is_empty())
            .cloned()
    });
    assert_eq!(mine[0]["id"], made.body["id"]);
    assert_eq!(ada.get(&format!("{there}/members")).body["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        ada.send("DELETE", &format!("{there}/members/me"), &[], NONE).body["code"],
        "last_owner"
    );

    assert_eq!(ada.send("DELETE", &member, &[], NONE).status, 204);
    assert_eq!((eve.get(&there).status, eve.get(&path_of(&made.body)).status), (404, 404));
    assert_eq!(ada.get(&path_of(&made.body)).body["assigned_to"], *NONE);
    assert_eq!(
        eve.get("/v1/spaces").body["items"].as_array().map(Vec::len),
        Some(1),
        "only the personal space"
    );

    assert_eq!(ada.send("PATCH", &there, &[], &json!({"name": "Clock"})).body["name"], "Clock");
    assert_eq!(ada.send("DELETE", &there, &[], NONE).body["errors"][0]["code"], "not_confirmed");
    assert_eq!(ada.send("DELETE", &format!("{there}?name=Clock"), &[], NONE).status, 204);
    assert_eq!((ada.get(&there).status, ada.get(&path_of(&made.body)).status), (404, 404));
}
