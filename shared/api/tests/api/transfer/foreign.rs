//! Files of other programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskbell_domain::{ports::TaskReads as _, task::Status};
use taskbell_test::template::project;

use super::any;
use crate::support::{Answer, Event, World};

const FILES: [(&str, &str, &str); 5] = [
    ("todoist_csv", "todoist.csv", "text/csv"),
    ("todoist_json", "todoist.json", "application/json"),
    ("microsoft_todo", "microsoft_todo.json", "application/json"),
    ("google_tasks", "google_tasks.json", "application/json"),
    ("ticktick_csv", "ticktick.csv", "text/csv; charset=utf-8"),
];

fn file(name: &str) -> String {
    let path = project().join("shared/domain/tests/fixtures/import").join(name);
    std::fs::read_to_string(path).expect("a file")
}

fn with_file(event: &Event, query: &str, media: &str, body: &str) -> Event {
    event.clone().query(query).header("content-type", media).raw_body(body)
}

fn ids(answer: &Answer) -> BTreeSet<String> {
    let results = answer.body["results"].as_array().expect("results").iter();
    results.filter_map(|result| result["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_file_of_each_program_is_imported_once() {
    for (source, name, media) in FILES {
        let (world, ada, _) = World::seeded().await;
        let event = world.event("import-data", &ada, &any(&ada)).await;
        let before = world.store.contents();
        let dry = with_file(&event, &format!("source={source}&dry_run=true"), media, &file(name));
        let tried = world.send(&dry).await;
        assert_eq!(tried.status, 200, "{source}: {}", tried.body);
        assert_eq!(world.store.contents(), before, "{source}: a dry run stores nothing");
        let request = with_file(&event, &format!("source={source}"), media, &file(name));
        let first = world.send(&request).await;
        let created = first.body["created"].as_u64().expect("a number");
        assert!(created > 1 && first.body["failed"] == 0, "{source}: {}", first.body);
        assert_eq!(first.body["created"], tried.body["created"], "{source}");
        assert_eq!(ids(&first), ids(&tried), "{source}: ids depend on the file only");
        let stored = world.store.contents();
        let again = world.send(&request).await;
        assert_eq!(
            (&again.body["created"], &again.body["exists"]),
            (&json!(0), &json!(created)),
            "{source}"
        );
        assert_eq!(world.store.contents(), stored, "{source}: nothing is imported twice");
        for id in ids(&first) {
            let task = world.store.task(id.parse().expect("an id")).await.expect("an answer");
            let task = task.unwrap_or_else(|| panic!("{source}: {id} is not stored"));
            assert_eq!((task.created_by, task.assigned_to), (ada.id, None), "{source}");
            assert_eq!(task.completed_at.is_some(), task.status == Status::Completed, "{source}");
        }
    }
}

#[tokio::test]
async fn what_is_not_carried_over_is_reported_with_its_line() {
    let (world, ada, _) = World::seeded().await;
    let event = world.event("import-data", &ada, &any(&ada)).await;
    let mut warnings = 0;
    for (source, name, media) in FILES {
        let request = with_file(&event, &format!("source={source}"), media, &file(name));
        let answer = world.send(&request).await;
        for result in answer.body["results"].as_array().expect("results") {
            for warning in result["warnings"].as_array().into_iter().flatten() {
                assert!(warning["field"].is_string() && warning["code"].is_string(), "{warning}");
                warnings += 1;
            }
        }
    }
    assert!(warnings > 5, "{warnings}");
}

#[tokio::test]
async fn a_large_file_is_imported_in_several_requests() {
    let (world, ada, _) = World::seeded().await;
    let event = world.event("import-data", &ada, &any(&ada)).await;
    let row = |number: usize| format!("task,Task {number},,4,1,,,,,\n");
    let csv = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n"
        .to_owned()
        + &(0..250).map(row).collect::<String>();
    let (mut skip, mut all) = (json!(0), BTreeSet::new());
    for expected in [100, 100, 50] {
        let query = format!("source=todoist_csv&skip={skip}");
        let answer = world.send(&with_file(&event, &query, "text/csv", &csv)).await;
        assert_eq!(answer.body["created"], expected, "{}", answer.body);
        all.extend(ids(&answer));
        skip = answer.body["next_skip"].clone();
    }
    assert_eq!((all.len(), skip), (250, Value::Null));
}

#[tokio::test]
async fn what_is_no_file_of_the_program_is_refused() {
    let (world, ada, _) = World::seeded().await;
    let event = world.event("import-data", &ada, &any(&ada)).await;
    let before = world.store.contents();
    for (source, _, media) in FILES {
        for body in ["", "{", "[]]", "\u{0}", "<html>", "{\"a\": [[[[[[[[1]]]]]]]]}"] {
            let answer = world.send(&with_file(&event, &format!("source={source}"), media, body)).await;
            let is_empty = answer.status == 200 && answer.body["created"] == 0;
            assert!(answer.status == 422 || is_empty, "{source} {body:?}: {}", answer.body);
        }
    }
    let answer = world.send(&with_file(&event, "source=trello", "text/csv", "a")).await;
    assert_eq!(answer.errors(), [("source", "unknown_value")]);
    let answer = world.send(&with_file(&event, "source=todoist_csv", "image/png", "a")).await;
    assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"));
    let answer = world.send(&with_file(&event, "source=todoist_csv&skip=1001", "text/csv", "a")).await;
    assert_eq!(answer.errors(), [("skip", "out_of_range")]);
    assert_eq!(world.store.contents(), before);
}

#[tokio::test]
async fn a_file_with_very_many_comments_is_imported_in_several_requests() {
    let (world, ada, _) = World::seeded().await;
    let event = world.event("import-data", &ada, &any(&ada)).await;
    let task = |number: usize| {
        let comments = "note,A remark,,,,,,,,\n".repeat(300);
        format!("task,Task {number},,4,1,,,,,\n{comments}")
    };
    let csv = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n"
        .to_owned()
        + &(0..5).map(task).collect::<String>();
    let (mut skip, mut created) = (json!(0), 0);
    while !skip.is_null() {
        let query = format!("source=todoist_csv&skip={skip}");
        let answer = world.send(&with_file(&event, &query, "text/csv", &csv)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        created += answer.body["created"].as_u64().expect("a number");
        skip = answer.body["next_skip"].clone();
        world.clock.advance(jiff::SignedDuration::from_mins(1));
    }
    assert_eq!(created, 5);
}
