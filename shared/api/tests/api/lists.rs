//! Lists over HTTP: parameters and cursors. The contract tests of the stores check the sort orders.

use serde_json::json;
use taskbell_domain::{clock::Clock, text::Description, user::User, zone::Zone};
use taskbell_test::{
    MemoryStore,
    contract::Store,
    fixtures::{draft, due_draft, instant},
};
use taskbell_test_aws::Server;

use crate::support::World;

#[tokio::test]
async fn cursors_lead_through_all_pages_of_a_list() {
    let (world, ada, task) = World::seeded().await;
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
async fn a_cursor_is_valid_only_for_its_user_and_query() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    world.create(2, &ada, draft("another")).await;
    let event = world.event("list-tasks", &ada, &task).await;
    let page = world.send(&event.clone().query("status=pending&limit=1")).await.body;
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let with = |query: &str| event.clone().query(&format!("{query}&cursor={cursor}"));

    assert_eq!(world.send(&with("status=pending&limit=1")).await.status, 200);
    assert_eq!(
        world.send(&with("status=pending&limit=50")).await.status,
        200,
        "the page size may change"
    );
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
async fn all_invalid_parameters_are_reported() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("list-tasks", &ada, &task).await;
    let query = "status=done&priority=9&category=&tag=%00&due_before=2026-03-01&due_after=soon\
                 &sort=colour&q=%20&overdue=false&due=month&limit=0&page=2&limit=1";
    let answer = world.send(&event.query(query)).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.errors(),
        [
            ("overdue", "unknown_value"),
            ("due", "unknown_value"),
            ("q", "too_short"),
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
async fn times_in_a_query_accept_a_time_zone() {
    let (world, ada, task) = World::seeded().await;
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

#[tokio::test]
async fn search_ignores_case_and_accents_and_combines_with_all_filters() {
    let (world, ada, task) = World::seeded().await;
    let mut wanted = due_draft("Café am Turm", "2026-02-27", &[]);
    wanted.description = Description::parse("Zwei Stück Kuchen").expect("a text");
    wanted.priority = taskbell_domain::task::Priority::High;
    world.create(2, &ada, wanted).await;
    world.create(3, &ada, draft("Kuchen backen")).await;
    let event = world.event("list-tasks", &ada, &task).await;
    for (query, titles) in [
        ("q=CAFE", vec!["Café am Turm"]),
        ("q=kuchen", vec!["Café am Turm", "Kuchen backen"]),
        ("q=st%C3%BCck&priority=high&overdue=true&sort=-title", vec!["Café am Turm"]),
        ("q=kuchen&overdue=true", vec!["Café am Turm"]),
        ("q=kuchen&priority=low", vec![]),
        ("sort=title", vec!["Café am Turm", "Kuchen backen", "Ring"]),
        ("sort=-title", vec!["Ring", "Kuchen backen", "Café am Turm"]),
        ("overdue=true", vec!["Café am Turm"]),
        ("overdue=true&status=completed", vec![]),
    ] {
        let page = world.send(&event.clone().query(query)).await.body;
        let found: Vec<_> =
            page["items"].as_array().expect("items").iter().map(|t| t["title"].clone()).collect();
        assert_eq!(found, titles, "{query}");
    }
}

#[tokio::test]
async fn today_and_week_follow_the_time_zone_of_the_user() {
    let (world, ada, task) = World::seeded().await;
    // In Berlin it is 23:30 on 1 March, in UTC 22:30.
    world.clock.set(instant("2026-03-01T22:30:00Z"));
    for (number, due) in [
        (2, "2026-03-01"),
        (3, "2026-03-02"),
        (4, "2026-03-01T22:59:59Z"),
        (5, "2026-03-01T23:00:00Z"),
        (6, "2026-02-28"),
        (7, "2026-03-07"),
        (8, "2026-03-08"),
    ] {
        world.create(number, &ada, due_draft(due, due, &[])).await;
    }
    let event = world.event("list-tasks", &ada, &task).await;
    for (query, titles) in [
        ("due=today", vec!["2026-03-01", "2026-03-01T22:59:59Z"]),
        ("due=today&due_after=2026-03-01T22:59:59Z", vec!["2026-03-01", "2026-03-01T22:59:59Z"]),
        ("due=today&due_before=2026-03-01T22:59:59Z", vec![]),
        (
            "due=week",
            vec![
                "2026-03-01",
                "2026-03-01T22:59:59Z",
                "2026-03-01T23:00:00Z",
                "2026-03-02",
                "2026-03-07",
                "Ring",
            ],
        ),
        ("overdue=true", vec!["2026-02-28"]),
    ] {
        let page = world.send(&event.clone().query(query)).await.body;
        let mut found: Vec<_> =
            page["items"].as_array().expect("items").iter().map(|t| t["title"].clone()).collect();
        found.sort_by_key(|title| title.to_string());
        assert_eq!(found, titles, "{query}");
    }
}

/// All-day tasks created in distant time zones, listed by a user who travels.
async fn check_all_day_tasks(world: &World<impl Store>) {
    let mut ada = world.register(1).await;
    let days = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-10"];
    for (number, zone) in (1..).zip(["Pacific/Honolulu", "Europe/Berlin", "Pacific/Kiritimati"]) {
        let owner = User { time_zone: Zone::parse(zone).expect("a zone"), ..ada.clone() };
        for (more, day) in (0..).zip(days) {
            world.create(number * 10 + more, &owner, due_draft(day, day, &[])).await;
        }
    }
    let task = world.create(90, &ada, due_draft("at noon", "2026-03-01T12:00:00Z", &[])).await;
    world.clock.set(instant("2026-03-01T11:00:00Z"));
    for (zone, today) in [
        ("Europe/Berlin", "2026-03-01"),
        ("Pacific/Kiritimati", "2026-03-02"),
        ("Etc/GMT+12", "2026-02-28"),
        ("Pacific/Niue", "2026-03-01"),
    ] {
        let version = ada.version + 1;
        let moved = User { time_zone: Zone::parse(zone).expect("a zone"), version, ..ada.clone() };
        world.store.replace_user(&moved, ada.version, None).await.expect("no store error");
        ada = moved;
        let local = |due: &str| match due {
            "at noon" => ada.local_date(instant("2026-03-01T12:00:00Z")).to_string(),
            day => day.to_owned(),
        };
        let event = world.event("list-tasks", &ada, &task).await;
        for sort in ["due", "-due", "title", "priority", "-created"] {
            for filter in ["due=today", "overdue=true", "due=week", "due=week&status=pending"] {
                let (mut found, mut cursor) = (Vec::new(), String::new());
                for _ in 0..20 {
                    let query = format!("{filter}&sort={sort}{cursor}");
                    let page = world.send(&event.clone().query(&query)).await.body;
                    let items = page["items"].as_array().expect("items").iter();
                    found.extend(items.map(|t| t["title"].as_str().expect("a title").to_owned()));
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                found.sort_unstable();
                let week = ada.local_date(world.clock.now() + jiff::SignedDuration::from_hours(6 * 24));
                let wanted = |due: &str| match filter {
                    "due=today" => local(due) == today,
                    "overdue=true" => due != "at noon" && due < today,
                    _ => (today..=week.to_string().as_str()).contains(&local(due).as_str()),
                };
                let all = days.into_iter().flat_map(|day| [day; 3]).chain(["at noon"]);
                let expected: Vec<_> = all.filter(|due| wanted(due)).collect();
                assert_eq!(found, expected, "{zone}: {filter} {sort}");
            }
        }
    }
}

#[tokio::test]
async fn an_all_day_task_is_due_on_its_date_in_every_time_zone() {
    check_all_day_tasks(&World::on(MemoryStore::default())).await;
}

#[tokio::test]
async fn an_all_day_task_is_due_on_its_date_in_every_time_zone_on_dynamodb() {
    let server = Server::start().await;
    check_all_day_tasks(&World::on(server.store(server.client()))).await;
}

#[tokio::test]
async fn a_cursor_stays_valid_as_time_passes() {
    let (world, ada, task) = World::seeded().await;
    for number in 2..=4 {
        world.create(number, &ada, due_draft("late", &format!("2026-02-0{number}"), &[])).await;
    }
    let event = world.event("list-tasks", &ada, &task).await;
    let first = world.send(&event.clone().query("overdue=true&limit=2")).await.body;
    world.clock.advance(jiff::SignedDuration::from_secs(5));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = world.send(&event.query(&format!("overdue=true&limit=2&cursor={cursor}"))).await;
    assert_eq!((second.status, second.body["items"].as_array().map(Vec::len)), (200, Some(1)));
}
