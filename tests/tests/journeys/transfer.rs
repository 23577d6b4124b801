//! Moves between spaces, exports and imports.

use serde_json::{Value, json};
use taskbell_e2e::{Answer, User, path_of, send, wait_for};

use crate::{NONE, spaces::shared_space};

/// Waits for a change in the feed of a user: a task, or a removed object, with this id.
fn wait_for_change(user: &User, cursor: &Value, kind: &str, id: &Value) -> Value {
    let path = format!("/v1/changes?limit=100&cursor={}", cursor.as_str().expect("a cursor"));
    wait_for(&format!("{kind} {id}"), || {
        let found = user.get(&path).body;
        found[kind].as_array().expect("changes").iter().find(|one| one["id"] == *id).cloned()
    })
}

#[test]
fn a_task_moves_to_another_space_and_the_feeds_of_both_tell_it() {
    let (ada, eve) = (User::new(), User::new());
    let space = shared_space(&ada, &eve, "member");
    let task = ada.create(&json!({"title": "Oil the bell", "due": "2199-03-01"}));
    let comments = format!("{}/comments", path_of(&task));
    assert_eq!(ada.post(&comments, &json!({"text": "With the good oil."})).status, 201);
    assert_eq!(eve.get(&path_of(&task)).status, 404);
    let cursors = [&ada, &eve].map(|user| user.get("/v1/changes").body["next_cursor"].clone());

    let moved = ada.post(&format!("{}/move", path_of(&task)), &json!({"space": space}));
    assert_eq!((moved.status, &moved.body["space"]), (200, &json!(space)), "{}", moved.body);
    assert_eq!(eve.get(&path_of(&task)).body, moved.body);
    assert_eq!(eve.get(&comments).body["items"][0]["text"], "With the good oil.");
    assert_eq!(wait_for_change(&eve, &cursors[1], "tasks", &task["id"]), moved.body);
    let removed = wait_for_change(&ada, &cursors[0], "removed", &task["id"]);
    assert_ne!(removed["space"], json!(space), "{removed}");
    wait_for("the list of the personal space", || {
        (ada.get("/v1/tasks").body["items"] == json!([])).then_some(())
    });
}

fn import(user: &User, query: &str, media_type: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", user.tokens["access_token"].as_str().expect("a token"));
    let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
    let answer = send("POST", &format!("/v1/import{query}"), &headers, Some(body));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// What a result says: lines that were created, that existed, and that failed.
fn counts(answer: &Answer) -> [u64; 3] {
    ["created", "exists", "failed"].map(|name| answer.body[name].as_u64().expect("a number"))
}

#[test]
fn an_export_is_imported_into_another_account_once() {
    let (ada, eve) = (User::new(), User::new());
    let due = "2199-03-01T09:00:00[Europe/Berlin]";
    let first = json!({
        "title": "Wind the clock", "due": due, "recurrence": "FREQ=WEEKLY", "tags": ["tower"],
        "reminders": [{"before": "PT1H"}], "checklist": [{"title": "Climb"}],
    });
    let made = ada.create(&first);
    let comments = format!("{}/comments", path_of(&made));
    assert_eq!(ada.post(&comments, &json!({"text": "Twelve turns."})).status, 201);
    for title in ["=SUM(A1)", "Third"] {
        ada.create(&json!({ "title": title }));
    }
    // The index that lists tasks may take a moment.
    let exported = wait_for("the export", || {
        let text = ada.get("/v1/export").body.as_str().expect("lines").to_owned();
        (text.matches("\"type\":\"task\"").count() == 3).then_some(text)
    });
    let lines = |query: &str| import(&eve, query, "application/x-ndjson", &exported);
    assert_eq!(counts(&lines("?dry_run=true")), [4, 0, 0]);
    let done = lines("");
    assert_eq!((counts(&done), counts(&lines(""))), ([4, 0, 0], [0, 4, 0]));
    let results = done.body["results"].as_array().expect("results").iter();
    let ids: Vec<_> = results.filter_map(|result| result["id"].as_str()).collect();
    let tasks = ids.iter().filter(|id| id.starts_with("tsk_"));
    let tasks: Vec<_> = tasks.map(|id| eve.get(&format!("/v1/tasks/{id}")).body).collect();
    let copy = tasks.iter().find(|task| task["title"] == "Wind the clock").expect("the task");
    for field in ["due", "recurrence", "tags", "checklist", "occurrence", "created_at"] {
        assert_eq!(copy[field], made[field], "{field}");
    }
    let text = eve.get(&format!("{}/comments", path_of(copy))).body["items"][0]["text"].clone();
    let text = text.as_str().expect("a text");
    assert!(text.starts_with("Ada, ") && text.ends_with("Z:\nTwelve turns."), "{text}");
}

#[test]
fn tasks_are_exported_as_csv_page_by_page() {
    let ada = User::new();
    for title in ["One", "=SUM(A1)", "Three, with \"quotes\""] {
        ada.create(&json!({ "title": title }));
    }
    let file = wait_for("the export", || {
        let (mut file, mut pages, mut path) =
            (String::new(), 0, "/v1/export?format=csv&limit=2".to_owned());
        loop {
            let page = ada.get(&path);
            assert_eq!(page.status, 200, "{}", page.body);
            assert!(page.header("content-type").starts_with("text/csv; charset=utf-8; header="));
            assert!(page.header("content-disposition").starts_with("attachment"));
            file += page.body.as_str().unwrap_or_default();
            pages += 1;
            let link = page.header("link");
            if link.is_empty() {
                return (pages == 2 && file.lines().count() == 4).then_some(file);
            }
            path = link[1..link.find('>').expect("a URL")].to_owned();
        }
    });
    assert!(file.starts_with("id,space,title,"), "{file}");
    assert!(file.contains(",'=SUM(A1),") && file.contains("\"Three, with \"\"quotes\"\"\""), "{file}");
    let unknown = ada.get("/v1/export?format=xml");
    assert_eq!((unknown.status, &unknown.body["errors"][0]["field"]), (422, &json!("format")));
}

#[test]
fn a_backup_of_another_program_is_imported() {
    let ada = User::new();
    let csv = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n\
        task,Wind the clock @tower,,1,1,,,2199-03-01,en,Europe/Berlin\n\
        task,Climb,,4,2,,,,,\n\
        note,Twelve turns.,,,,,,,,\n\
        task,Oil the bell,,4,1,,,,,\n";
    let first = import(&ada, "?source=todoist_csv", "text/csv", csv);
    assert_eq!((counts(&first), &first.body["next_skip"]), ([2, 0, 0], NONE), "{}", first.body);
    assert_eq!(counts(&import(&ada, "?source=todoist_csv", "text/csv", csv)), [0, 2, 0]);
    let id = first.body["results"][0]["id"].as_str().expect("an id");
    let task = ada.get(&format!("/v1/tasks/{id}")).body;
    let expected = (&json!("Wind the clock"), &json!("2199-03-01"), &json!(["tower"]));
    assert_eq!((&task["title"], &task["due"], &task["tags"]), expected, "{task}");
    assert_eq!(task["checklist"][0]["title"], "Climb");
}
