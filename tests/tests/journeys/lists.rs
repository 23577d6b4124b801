//! Lists of tasks, and statistics about them.

use jiff::Timestamp;
use serde_json::{Value, json};
use taskbell_e2e::{User, path_of, wait_for};

use crate::NONE;

#[test]
fn tasks_are_sorted_filtered_and_paginated() {
    let ada = User::new();
    for (title, day, priority, category) in
        [("c", 3, "low", "home"), ("a", 1, "urgent", "work"), ("b", 2, "high", "home")]
    {
        let due = format!("2199-03-0{day}");
        ada.create(&json!({"title": title, "due": due, "priority": priority, "category": category, "tags": [title]}));
    }
    let listed = |query: &str| -> String {
        let mut titles = String::new();
        let mut cursor = String::new();
        for _ in 0..10 {
            let page = ada.get(&format!("/v1/tasks?limit=2&{query}{cursor}"));
            assert_eq!(page.status, 200, "{}", page.body);
            for item in page.body["items"].as_array().expect("items") {
                titles += item["title"].as_str().expect("a title");
            }
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        titles
    };
    for (query, expected) in [
        ("", "abc"),
        ("sort=-due", "cba"),
        ("sort=created", "cab"),
        ("sort=-created", "bac"),
        ("sort=priority", "cba"),
        ("sort=-priority", "abc"),
        ("status=pending", "abc"),
        ("status=completed", ""),
        ("priority=high", "b"),
        ("category=home", "bc"),
        ("tag=a", "a"),
        ("due_before=2199-03-02T12:00:00Z", "a"),
        ("due_after=2199-03-02T12:00:00Z", "bc"),
    ] {
        assert_eq!(listed(query), expected, "{query}");
    }
    let eve = User::new();
    let cursor =
        ada.get("/v1/tasks?limit=1").body["next_cursor"].as_str().expect("a cursor").to_owned();
    let foreign = eve.get(&format!("/v1/tasks?limit=1&cursor={cursor}"));
    assert_eq!((foreign.status, &foreign.body["code"]), (400, &json!("invalid_cursor")));
}

#[test]
fn tasks_are_found_by_text_and_due_date() {
    let ada = User::new();
    ada.create(
        &json!({"title": "Café am Turm", "description": "Zwei Stück Kuchen", "priority": "high"}),
    );
    ada.create(&json!({"title": "Überfällig", "due": "2026-01-02"}));
    let today = Timestamp::now().in_tz("Europe/Berlin").expect("a zone").date();
    ada.create(&json!({"title": "Backen", "due": today}));
    for (query, titles) in [
        ("q=CAFE", vec!["Café am Turm"]),
        ("q=stuck&priority=high", vec!["Café am Turm"]),
        ("overdue=true", vec!["Überfällig"]),
        ("due=today", vec!["Backen"]),
        ("sort=title", vec!["Backen", "Café am Turm", "Überfällig"]),
        ("sort=-updated&limit=1", vec!["Backen"]),
    ] {
        let found = wait_for(query, || {
            let page = ada.get(&format!("/v1/tasks?{query}")).body;
            let titles = page["items"].as_array()?.iter().map(|task| task["title"].clone());
            let titles: Vec<_> = titles.collect();
            (!titles.is_empty()).then_some(titles)
        });
        assert_eq!(found, titles, "{query}");
    }
}

#[test]
fn tags_categories_and_statistics_follow_the_tasks() {
    let ada = User::new();
    let task = ada
        .create(&json!({"title": "Paint", "tags": ["diy"], "category": "home", "due": "2020-01-01"}));
    ada.create(&json!({"title": "Sweep", "tags": ["diy"]}));
    let counted = |path: &str, expected: Value| {
        wait_for(path, || {
            let answer = ada.get(path);
            assert_eq!(answer.status, 200, "{}", answer.body);
            (answer.body["items"] == expected).then_some(())
        });
    };
    counted("/v1/tags", json!([{"name": "diy", "open": 2, "completed": 0}]));
    counted("/v1/categories", json!([{"name": "home", "open": 1, "completed": 0}]));
    assert_eq!(ada.get("/v1/stats").body["overdue"], json!(1));
    assert_eq!(ada.post(&format!("{}/complete", path_of(&task)), NONE).status, 200);
    counted("/v1/tags", json!([{"name": "diy", "open": 1, "completed": 1}]));
    let stats = ada.get("/v1/stats?days=1").body;
    let numbers = ["open", "completed", "overdue", "completion_rate"].map(|name| &stats[name]);
    assert_eq!(numbers, [&json!(1), &json!(1), &json!(0), &json!(0.5)]);
    assert_eq!(stats["completed_by_day"][0]["completed"], json!(1));
}
