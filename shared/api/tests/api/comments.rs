//! Checklists inside a task, and comments on it.

use serde_json::{Value, json};
use taskbell_domain::{ports::Comments, space::Role};
use taskbell_test::fixtures::{comment, draft, space, task, user};

use crate::support::{World, collaborator};

#[tokio::test]
async fn a_checklist_keeps_the_ids_of_its_items() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("update-task", &ada, &task).await;
    let set = async |list: Value| world.send(&event.clone().body(&json!({ "checklist": list }))).await;
    let made = set(json!([{"title": " Climb "}, {"title": "Pull", "done": true}])).await.body;
    let (climb, pull) = (&made["checklist"][0], &made["checklist"][1]);
    assert_eq!(
        (&climb["title"], &climb["done"], &pull["done"]),
        (&json!("Climb"), &json!(false), &json!(true))
    );
    let turned =
        set(json!([pull, {"id": climb["id"], "title": "Climb", "done": true}, {"title": "Rest"}]))
            .await
            .body;
    let ids: Vec<_> =
        turned["checklist"].as_array().expect("a list").iter().map(|item| &item["id"]).collect();
    assert_eq!(ids[..2], [&pull["id"], &climb["id"]]);
    let same = set(turned["checklist"].clone()).await.body;
    assert_eq!(same["version"], turned["version"], "the store is unchanged");
    for (list, errors) in [
        (
            json!([{"title": "x", "id": "itm_01JQ0000000000000000000000"}]),
            vec![("checklist[0].id", "unknown_item")],
        ),
        (json!([pull, pull]), vec![("checklist[1].id", "duplicate")]),
        (
            json!([{"done": 1}, "x", {"title": "", "when": 1}]),
            vec![
                ("checklist[0].title", "required"),
                ("checklist[0].done", "wrong_type"),
                ("checklist[1]", "wrong_type"),
                ("checklist[2].title", "too_short"),
                ("checklist[2].when", "unknown_field"),
            ],
        ),
        (json!(vec![json!({"title": "x"}); 101]), vec![("checklist", "too_many")]),
    ] {
        let refused = set(list.clone()).await;
        let mut found = refused.errors();
        found.sort();
        let mut errors = errors;
        errors.sort();
        assert_eq!((refused.status, found), (422, errors), "{list}");
    }
    assert_eq!(set(Value::Null).await.body["checklist"], json!([]));
}

#[tokio::test]
async fn all_members_read_comments_and_only_authors_change_them() {
    let (world, ada, own) = World::seeded().await;
    let mut shared = space(1, &ada).0;
    shared = taskbell_domain::ports::SpaceReads::space(&world.store, shared.id)
        .await
        .expect("no store error")
        .expect("the space");
    let viewer = world.register(12).await;
    world.join(&mut shared, &viewer, Role::Viewer).await;
    let mut ours = task(7, &ada, draft("Ours"));
    ours.space = shared.id;
    taskbell_domain::ports::TaskCreation::create(&world.store, &ours, None, None)
        .await
        .expect("no store error");
    let first = comment(31, &ours, &collaborator());
    world.store.add_comment(&first, None).await.expect("no store error");

    let stranger = world.register(13).await;
    let people = [&ada, &collaborator(), &viewer, &stranger];
    for (function, expected) in
        [("create-comment", [201, 201, 403, 404]), ("list-comments", [200, 200, 200, 404])]
    {
        for (who, expected) in people.iter().zip(expected) {
            let answer = world.send(&world.event(function, who, &ours).await).await;
            assert_eq!(answer.status, expected, "{function} by {}", who.name.as_str());
        }
    }
    for (function, who, expected) in [
        ("update-comment", &viewer, 403),
        ("update-comment", &ada, 403),
        ("update-comment", &collaborator(), 200),
        ("delete-comment", &viewer, 403),
        ("delete-comment", &stranger, 404),
        ("delete-comment", &ada, 204), // as the owner of the space
        ("delete-comment", &ada, 404),
        ("update-comment", &collaborator(), 404),
    ] {
        let event = world.event(function, who, &ours).await.path("comment_id", &first.id.to_string());
        let answer = world.send(&event).await;
        assert_eq!(answer.status, expected, "{function} by {}: {}", who.name.as_str(), answer.body);
    }
    let other =
        world.event("update-comment", &ada, &own).await.path("comment_id", &first.id.to_string());
    assert_eq!(world.send(&other).await.status, 404, "a comment belongs to its task");
    let long = world.event("create-comment", &ada, &ours).await;
    let refused = world.send(&long.body(&json!({"text": "x".repeat(4_001), "to": "x"}))).await;
    assert_eq!(refused.errors(), [("text", "too_long"), ("to", "unknown_field")]);
}

#[tokio::test]
async fn comments_are_paginated_and_deleted_with_their_task() {
    let (world, ada, task) = World::seeded().await;
    for number in 2..=5 {
        world.store.add_comment(&comment(number, &task, &user(1)), None).await.expect("no store error");
    }
    let event = world.event("list-comments", &ada, &task).await;
    let (mut found, mut query) = (Vec::new(), "limit=2".to_owned());
    for _ in 0..5 {
        let page = world.send(&event.clone().query(&query)).await.body;
        found.extend(page["items"].as_array().expect("items").iter().map(|c| c["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 5);
    assert!(found.is_sorted_by_key(|id| id.to_string()), "the oldest first");
    let cursor = query.split_once("cursor=").expect("a cursor").1;
    let other = world.create(9, &ada, draft("other")).await;
    let foreign = world.event("list-comments", &ada, &other).await.query(&format!("cursor={cursor}"));
    assert_eq!(world.send(&foreign).await.code(), "invalid_cursor");
    assert_eq!(world.send(&world.event("delete-task", &ada, &task).await).await.status, 204);
    let left = world.store.comments(task.id, None, 10).await.expect("no store error");
    assert_eq!(left.items, []);
}
