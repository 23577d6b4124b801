//! Tasks: their life cycle, batches, comments and recurrence.

use jiff::Timestamp;
use serde_json::{Value, json};
use taskbell_e2e::{User, path_of, wait_for};

use crate::NONE;

#[test]
fn a_task_is_created_changed_completed_and_deleted() {
    let ada = User::new();
    let task = ada.create(&json!({"title": "Wind the clock", "tags": ["Tower"], "due": "2199-03-01"}));
    let path = path_of(&task);
    assert_eq!(task["tags"], json!(["tower"]));
    let read = ada.get(&path);
    assert_eq!((&read.body, read.header("etag")), (&task, "\"1\""));
    assert_eq!(ada.send("GET", &path, &[("if-none-match", "\"1\"")], NONE).status, 304);

    let stale = ada.send("PATCH", &path, &[("if-match", "\"7\"")], &json!({"title": "x"}));
    assert_eq!((stale.status, &stale.body["code"]), (412, &json!("version_mismatch")));
    let patched = ada.send(
        "PATCH",
        &path,
        &[("if-match", "\"1\"")],
        &json!({"title": "Wind it twice", "due": "2199-03-02"}),
    );
    assert_eq!((patched.status, &patched.body["title"]), (200, &json!("Wind it twice")));
    assert_eq!(ada.post(&format!("{path}/complete"), NONE).body["status"], "completed");
    assert_eq!(ada.post(&format!("{path}/reopen"), NONE).body["status"], "pending");
    assert_eq!(ada.get(&format!("{path}/reminders")).body["items"][0]["status"], "scheduled");
    assert_eq!(ada.send("DELETE", &path, &[], NONE).status, 204);
    assert_eq!(ada.get(&path).status, 404);
}

#[test]
fn an_idempotency_key_creates_one_task() {
    let ada = User::new();
    let key = [("idempotency-key", "once")];
    let first = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Once"}));
    let again = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Once"}));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&first.body, again.header("idempotent-replayed")), (&again.body, "true"));
    let other = ada.send("POST", "/v1/tasks", &key, &json!({"title": "Twice"}));
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_key_reused")));
}

#[test]
fn another_users_task_gets_404_on_every_route() {
    let (ada, eve) = (User::new(), User::new());
    let task = ada.create(&json!({"title": "Mine"}));
    let there = path_of(&task);
    let unknown = "/v1/tasks/tsk_01JQ0000000000000000000000".to_owned();
    for (method, suffix, body) in [
        ("GET", "", NONE.clone()),
        ("PATCH", "", json!({"title": "Hers"})),
        ("DELETE", "", NONE.clone()),
        ("POST", "/complete", NONE.clone()),
        ("POST", "/reopen", NONE.clone()),
        ("GET", "/reminders", NONE.clone()),
    ] {
        let mut foreign = eve.send(method, &format!("{there}{suffix}"), &[], &body);
        let mut absent = eve.send(method, &format!("{unknown}{suffix}"), &[], &body);
        assert_eq!((foreign.status, absent.status), (404, 404), "{method} {suffix}");
        for answer in [&mut foreign, &mut absent] {
            answer.body.as_object_mut().expect("a problem").remove("request_id");
        }
        assert_eq!(foreign.body, absent.body, "{method} {suffix}");
    }
    assert_eq!(ada.get(&there).body, task);
}

#[test]
fn a_batch_with_an_idempotency_key_is_executed_once() {
    let ada = User::new();
    let task = ada.create(&json!({"title": "Old"}));
    let operations = json!({"operations": [
        {"op": "create", "task": {"title": "New"}},
        {"op": "update", "id": task["id"], "task": {"title": "Newer"}, "version": 1},
        {"op": "complete", "id": task["id"]},
        {"op": "delete", "id": "tsk_01JQ0000000000000000000000"},
    ]});
    let send = || ada.send("POST", "/v1/tasks/batch", &[("idempotency-key", "b-1")], &operations);
    let (first, second) = (send(), send());
    assert_eq!(first.status, 200, "{}", first.body);
    let statuses = |answer: &Value| -> Vec<Value> {
        answer["results"].as_array().expect("results").iter().map(|r| r["status"].clone()).collect()
    };
    assert_eq!(statuses(&first.body), [201, 200, 200, 404]);
    assert_eq!(statuses(&second.body), [201, 200, 200, 404]);
    assert_eq!(first.body["results"][0]["task"], second.body["results"][0]["task"]);
    assert_eq!(second.body["results"][0]["replayed"], true);
}

#[test]
fn a_task_has_a_checklist_and_comments() {
    let ada = User::new();
    let task =
        ada.create(&json!({"title": "Oil", "checklist": [{"title": "Climb"}, {"title": "Pull"}]}));
    let mut list = task["checklist"].clone();
    list[1]["done"] = json!(true);
    let patched = ada.send("PATCH", &path_of(&task), &[], &json!({ "checklist": list }));
    assert_eq!((patched.status, &patched.body["checklist"]), (200, &list), "{}", patched.body);

    let comments = format!("{}/comments", path_of(&task));
    let said = ada.post(&comments, &json!({"text": "The rope is worn."}));
    assert_eq!(said.status, 201, "{}", said.body);
    let one = format!("{comments}/{}", said.body["id"].as_str().expect("an id"));
    let changed = ada.send("PATCH", &one, &[], &json!({"text": "The rope is new."}));
    assert_eq!((changed.status, &changed.body["text"]), (200, &json!("The rope is new.")));
    assert_eq!(ada.get(&comments).body["items"][0], changed.body);
    assert_eq!(User::new().get(&comments).status, 404);
    assert_eq!(ada.send("DELETE", &one, &[], NONE).status, 204);
    assert_eq!(ada.get(&comments).body["items"], json!([]));
    ada.post(&comments, &json!({"text": "It goes with its task."}));
    assert_eq!(ada.send("DELETE", &path_of(&task), &[], NONE).status, 204);
    assert_eq!(ada.get(&comments).status, 404);
}

#[test]
fn a_recurring_task_keeps_its_local_time_across_a_dst_change() {
    let ada = User::new();
    let first = ada.create(&json!({
        "title": "Wind the clock", "due": "2027-03-27T09:00[Europe/Berlin]", "recurrence": "FREQ=DAILY;COUNT=4",
    }));
    let preview = ada.get(&format!("{}/occurrences?limit=2", path_of(&first))).body;
    let days: Vec<_> =
        preview["items"].as_array().expect("items").iter().map(|o| &o["due_at"]).collect();
    assert_eq!(days, ["2027-03-28T07:00:00Z", "2027-03-29T07:00:00Z"], "{preview}");
    let skipped = ada.post(&format!("{}/skip", path_of(&first)), NONE).body;
    assert_eq!(skipped["due_at"], "2027-03-28T07:00:00Z");
    let complete = || ada.post(&format!("{}/complete", path_of(&first)), NONE).body;
    let (done, again) = (complete(), complete());
    assert_eq!(done, again);
    let next = |of: &Value| {
        let id = of["next_occurrence"].as_str().expect("the next occurrence");
        ada.get(&format!("/v1/tasks/{id}")).body
    };
    let third = next(&done);
    assert_eq!(
        (&third["due"], &third["occurrence"]),
        (&json!("2027-03-29T09:00:00[Europe/Berlin]"), &json!(3))
    );
    let fourth = next(&ada.post(&format!("{}/complete", path_of(&third)), NONE).body);
    let end = ada.post(&format!("{}/complete", path_of(&fourth)), NONE).body;
    assert_eq!((&end["status"], &end["next_occurrence"]), (&json!("completed"), NONE));
}

#[test]
fn a_task_completes_automatically_unless_it_is_changed() {
    let ada = User::new();
    let wanted = json!({"title": "Short", "auto_complete_after": "PT30S"});
    let (left, changed) = (ada.create(&wanted), ada.create(&wanted));
    let later = json!({"auto_complete_after": "P1D"});
    assert_eq!(ada.send("PATCH", &path_of(&changed), &[], &later).status, 200);
    let done = wait_for("the completion", || {
        let task = ada.get(&path_of(&left)).body;
        (task["status"] == "completed").then_some(task)
    });
    assert_eq!(done["completed_by"], "timer");
    let at = |field: &Value| field.as_str().expect("a time").parse::<Timestamp>().expect("an instant");
    let duration = at(&done["completed_at"]).duration_since(at(&left["created_at"])).as_secs();
    // By the queue on time, not by the next dispatch run.
    assert!((30..60).contains(&duration), "it took {duration} s");
    let log = ada.get(&format!("{}/reminders", path_of(&left))).body;
    assert_eq!(
        (&log["items"][0]["kind"], &log["items"][0]["status"]),
        (&json!("auto_completion"), &json!("done"))
    );
    assert_eq!(ada.get(&path_of(&changed)).body["status"], "pending");
}
