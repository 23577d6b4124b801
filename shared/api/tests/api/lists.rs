//! Lists over HTTP: parameters and cursors. The orders themselves are the stores' contract.

use serde_json::json;
use taskbell_test::fixtures::draft;

use crate::support::World;

#[tokio::test]
async fn pages_follow_one_another_to_the_end() {
    let (world, ada, task) = World::inhabited().await;
    for number in 2..=5 {
        world.create(number, &ada, draft(&format!("task {number}"))).await;
    }
    let event = world.event("list-tasks", &ada, &task).await;
    let (mut query, mut titles) = ("sort=created&limit=2".to_owned(), Vec::new());
    for _ in 0..5 {
        let page = world.send(&event.clone().query(&query)).await.body;
        let items = page["items"].as_array().expect("items");
        titles.extend(items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("sort=created&limit=2&cursor={cursor}"),
            None => break,
        }
    }
    titles.sort();
    assert_eq!(titles, ["Ring", "task 2", "task 3", "task 4", "task 5"]);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_user_and_its_query_only() {
    let (world, ada, task) = World::inhabited().await;
    let eve = world.register(2).await;
    world.create(2, &ada, draft("another")).await;
    let event = world.event("list-tasks", &ada, &task).await;
    let page = world.send(&event.clone().query("status=pending&limit=1")).await.body;
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let with = |query: &str| event.clone().query(&format!("{query}&cursor={cursor}"));

    assert_eq!(world.send(&with("status=pending&limit=1")).await.status, 200);
    assert_eq!(world.send(&with("status=pending&limit=50")).await.status, 200, "the size may change");
    for other in ["limit=1", "status=completed", "status=pending&sort=-due", "status=pending&tag=x"] {
        let refused = world.send(&with(other)).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_cursor"), "{other}");
    }
    let foreign = world.event("list-tasks", &eve, &task).await;
    let foreign = world.send(&foreign.query(&format!("status=pending&limit=1&cursor={cursor}"))).await;
    assert_eq!((foreign.status, foreign.code()), (400, "invalid_cursor"));

    for index in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[index] = if edited[index] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).expect("ASCII");
        let answer =
            world.send(&event.clone().query(&format!("status=pending&limit=1&cursor={edited}"))).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "edited at {index}");
    }
    for forged in ["", "AAAA", "%00", "x".repeat(5_000).as_str()] {
        let answer =
            world.send(&event.clone().query(&format!("status=pending&limit=1&cursor={forged}"))).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{forged}");
    }
    assert!(!cursor.contains("SPACE"), "no partition key");
}

#[tokio::test]
async fn bad_parameters_are_all_named() {
    let (world, ada, task) = World::inhabited().await;
    let event = world.event("list-tasks", &ada, &task).await;
    let query = "status=done&priority=9&category=&tag=%00&due_before=2026-03-01&due_after=soon\
                 &sort=title&limit=0&page=2&limit=1";
    let answer = world.send(&event.query(query)).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.errors(),
        [
            ("status", "unknown_value"),
            ("priority", "unknown_value"),
            ("category", "too_short"),
            ("tag", "invalid_characters"),
            ("due_before", "invalid_time"),
            ("due_after", "invalid_time"),
            ("sort", "unknown_value"),
            ("limit", "duplicate"),
            ("page", "unknown_parameter"),
        ]
    );
}

#[tokio::test]
async fn times_in_a_query_may_have_a_zone() {
    let (world, ada, task) = World::inhabited().await;
    let event = world.event("list-tasks", &ada, &task).await;
    for (query, expected) in [
        ("due_before=2026-03-02T10:00%5BEurope/Berlin%5D", 0),
        ("due_before=2026-03-02T10:00:01%5BEurope/Berlin%5D", 1),
        ("due_after=2026-03-02T09:00:00Z", 1),
        ("due_after=2026-03-02T10:00:00%2B01:00", 1),
        ("due_after=2026-03-02T09:00:01Z", 0),
        ("due_after=2026-03-05T00:00:00Z&due_before=2026-03-01T00:00:00Z", 0),
    ] {
        let page = world.send(&event.clone().query(query)).await.body;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(expected), "{query}: {page}");
        assert_eq!(page["next_cursor"], json!(null));
    }
}
