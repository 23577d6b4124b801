//! Following changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskbell_e2e::{User, path_of, wait_for};

use crate::{NONE, spaces::token_in};

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// The versions of tasks, by id.
type Tasks = BTreeMap<String, u64>;

fn insert(tasks: &mut Tasks, found: &Value) {
    for task in found.as_array().expect("tasks") {
        tasks.insert(text(&task["id"]), task["version"].as_u64().expect("a version"));
    }
}

/// Applies all changes since a cursor, which moves.
fn follow(user: &User, cursor: &mut String, tasks: &mut Tasks) {
    loop {
        let found = user.get(&format!("/v1/changes?cursor={cursor}&limit=20"));
        assert_eq!(found.status, 200, "{}", found.body);
        insert(tasks, &found.body["tasks"]);
        for removed in found.body["removed"].as_array().expect("a list") {
            tasks.remove(&text(&removed["id"]));
        }
        *cursor = text(&found.body["next_cursor"]);
        if found.body["has_more"] == false {
            return;
        }
    }
}

#[test]
fn a_client_that_was_offline_for_a_hundred_changes_catches_up() {
    let ada = User::new();
    let first = ada.create(&json!({"title": "Known"}));
    let mut cursor = text(&ada.get("/v1/changes").body["next_cursor"]);
    let mut seen = Tasks::new();
    insert(&mut seen, &json!([first]));

    let new: Vec<_> =
        (0..50).map(|n| json!({"op": "create", "task": {"title": format!("Task {n}")}})).collect();
    let made = ada.post("/v1/tasks/batch", &json!({"operations": new})).body["results"].clone();
    let tasks: Vec<_> =
        made.as_array().expect("results").iter().map(|one| one["task"].clone()).collect();
    let complete: Vec<_> =
        tasks[..40].iter().map(|task| json!({"op": "complete", "id": task["id"]})).collect();
    assert_eq!(ada.post("/v1/tasks/batch", &json!({"operations": complete})).status, 200);
    for task in &tasks[40..] {
        assert_eq!(ada.send("DELETE", &path_of(task), &[], NONE).status, 204);
    }
    let mut expected = Tasks::new();
    for task in tasks[..40].iter().chain([&first]) {
        let now = ada.get(&path_of(task)).body;
        insert(&mut expected, &json!([now]));
    }
    wait_for("all changes", || {
        follow(&ada, &mut cursor, &mut seen);
        (seen == expected).then_some(())
    });
}

#[test]
fn members_of_a_space_see_each_others_changes_until_they_leave() {
    let (ada, eve) = (User::new(), User::new());
    let mut cursor = text(&eve.get("/v1/changes").body["next_cursor"]);
    let space = ada.post("/v1/spaces", &json!({"name": "Bell tower"})).body["id"].clone();
    let there = format!("/v1/spaces/{}", text(&space));
    let invitation = json!({"email": eve.email, "role": "viewer"});
    assert_eq!(ada.post(&format!("{there}/invitations"), &invitation).status, 201);
    let mail = wait_for("the invitation", || eve.mails().pop());
    assert_eq!(eve.post("/v1/invitations/accept", &json!({"token": token_in(&mail)})).status, 200);
    let joined = eve.get(&format!("/v1/changes?cursor={cursor}")).body;
    assert_eq!(joined["joined"], json!([space]), "{joined}");
    assert_eq!(joined["spaces"][0]["name"], "Bell tower");
    cursor = text(&joined["next_cursor"]);

    let task =
        ada.post(&format!("/v1/tasks?space={}", text(&space)), &json!({"title": "Oil the bell"})).body;
    let comment = ada.post(&format!("{}/comments", path_of(&task)), &json!({"text": "Soon."})).body;
    let mut seen = (Vec::new(), Vec::new());
    wait_for("the task and the comment", || {
        let found = eve.get(&format!("/v1/changes?cursor={cursor}")).body;
        cursor = text(&found["next_cursor"]);
        seen.0.extend(found["tasks"].as_array().expect("tasks").iter().map(|task| task["id"].clone()));
        seen.1.extend(found["comments"].as_array().expect("comments").iter().cloned());
        (seen.0.contains(&task["id"]) && seen.1.contains(&comment)).then_some(())
    });

    let eve_id = text(&eve.get("/v1/me").body["id"]);
    assert_eq!(ada.send("DELETE", &format!("{there}/members/{eve_id}"), &[], NONE).status, 204);
    assert_eq!(ada.send("PATCH", &path_of(&task), &[], &json!({"title": "Oil the clock"})).status, 200);
    let left = eve.get(&format!("/v1/changes?cursor={cursor}")).body;
    assert_eq!((&left["left"], &left["tasks"]), (&json!([space]), &json!([])));
    let later = eve.get(&format!("/v1/changes?cursor={}", text(&left["next_cursor"]))).body;
    assert_eq!((&later["left"], &later["tasks"]), (&json!([]), &json!([])));
}
