//! Exports as CSV.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskbell_domain::{
    api_token::ApiToken,
    csv::COLUMNS,
    id::SpaceId,
    ports::{ApiTokenChanges as _, TaskCreation as _},
    space::Role,
    task::Task,
    text::Description,
    user::User,
};
use taskbell_test::{
    MemoryStore,
    contract::Store,
    fixtures::{api_token, api_token_secret, draft, due_draft, space, task},
};

use super::{any, lines, of_type};
use crate::support::{Answer, Event, World, collaborator};

/// The URL of the next page.
fn next(answer: &Answer) -> Option<&str> {
    let link = answer.headers.get("link")?;
    Some(link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect("a link"))
}

/// All pages of an export.
pub(super) async fn pages<S: Store>(world: &World<S>, event: &Event, query: &str) -> Vec<Answer> {
    let mut pages = vec![world.send(&event.clone().query(&format!("format=csv{query}"))).await];
    while let Some(url) = next(&pages[pages.len() - 1]) {
        let query = url.strip_prefix("/v1/export?").expect("the same path").to_owned();
        pages.push(world.send(&event.clone().query(&query)).await);
        assert!(pages.len() < 500, "it does not end");
    }
    assert!(pages.iter().all(|page| page.status == 200));
    pages
}

/// The rows of pages that were appended to one file, by column.
pub(super) fn rows(pages: &[Answer]) -> Vec<BTreeMap<String, String>> {
    let text = |page: &Answer| page.body.as_str().unwrap_or_default().to_owned();
    let file: String = pages.iter().map(text).collect();
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let columns = reader.headers().expect("the names of the columns").clone();
    assert_eq!(columns.iter().collect::<Vec<_>>(), COLUMNS);
    let row = |row: csv::StringRecord| {
        columns.iter().zip(&row).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|found| row(found.expect("a row"))).collect()
}

async fn event<S: Store>(world: &World<S>, by: &User) -> Event {
    world.event("export-data", by, &any(by)).await
}

#[tokio::test]
async fn the_pages_of_a_csv_export_form_one_file_with_every_task_once() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let shared = world.share(&ada).await.id;
    let mut ids = Vec::new();
    for number in 0..25_u64 {
        let mut made = task(1_000 + number, &ada, due_draft("One", "2026-04-02", &["PT30M"]));
        if number % 2 == 0 {
            made.space = shared;
        }
        world.store.create(&made, None, None).await.expect("an answer");
        ids.push((made.space.to_string(), made.id.to_string()));
    }
    ids.sort_unstable();
    let pages = pages(&world, &event(&world, &ada).await, "&limit=10").await;
    assert_eq!(pages.len(), 3);
    for (number, page) in pages.iter().enumerate() {
        let header = if number == 0 { "present" } else { "absent" };
        let expected = format!("text/csv; charset=utf-8; header={header}");
        assert_eq!(page.headers["content-type"], expected);
        assert_eq!(page.headers["content-disposition"], "attachment; filename=\"tasks.csv\"");
        assert_eq!(page.body.as_str().expect("rows").starts_with("id,space,"), number == 0);
    }
    let found = rows(&pages).into_iter().map(|row| (row["space"].clone(), row["id"].clone()));
    assert_eq!(found.collect::<Vec<_>>(), ids, "in the order of spaces and ids");
}

#[tokio::test]
async fn a_csv_export_has_the_same_tasks_as_the_other_one() {
    let (world, ada, _) = World::seeded().await;
    world.shared_task(&ada, &json!({ "title": "Ours" })).await;
    let viewer = world.member(12, Role::Viewer).await;
    let mut events = Vec::new();
    for user in [&ada, &collaborator(), &viewer] {
        events.push((event(&world, user).await, None));
    }
    let confined = ApiToken { space: Some(space(1, &ada).0.id), ..api_token(2, &ada) };
    assert!(world.store.add_api_token(&confined, 1, &[]).await.expect("an answer"));
    for (number, confined) in [(1, None), (2, confined.space)] {
        let token = format!("Bearer {}", api_token_secret(number, &ada).to_text());
        events.push((event(&world, &ada).await.header("authorization", &token), confined));
    }
    for (event, confined) in events {
        let found = rows(&pages(&world, &event, "").await);
        let other = world.send(&event).await;
        let other = lines(&[other.body.as_str().expect("lines").to_owned()]);
        let expected: Vec<_> =
            of_type(&other, "task").iter().map(|task| task["id"].as_str().expect("an id")).collect();
        assert_eq!(found.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), expected);
        assert!(!found.is_empty());
        if let Some(only) = confined {
            assert!(found.iter().all(|row| row["space"] == only.to_string()));
        }
    }
}

#[tokio::test]
async fn a_spreadsheet_runs_no_cell_of_an_export() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    for (number, begin) in ["=", "+", "-", "@"].into_iter().enumerate() {
        let mut made = draft(&format!("{begin}HYPERLINK(\"https://example.com\")"));
        let text = format!("{begin}1\n{begin}2");
        made.description = Description::parse(&text).expect("a text");
        world.create(number as u64, &ada, made).await;
    }
    for begin in ["\t", "\r"] {
        let mut made = draft("Tab");
        made.description = Description::parse(&format!("{begin}=1")).expect("a text");
        world.create(u64::from(begin.as_bytes()[0]), &ada, made).await;
    }
    let found = rows(&pages(&world, &event(&world, &ada).await, "").await);
    assert_eq!(found.len(), 6);
    for row in found {
        let title = row["title"].as_str();
        assert!(title.starts_with('\'') || title == "Tab", "{title}");
        assert!(row["description"].starts_with('\''), "{row:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_csv_export_ends_by_its_size() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    for number in 0..40 {
        let mut made = draft("Long");
        made.description = Description::parse(&"\u{1f514}".repeat(16_000)).expect("a text");
        world.create(number, &ada, made).await;
    }
    let pages = pages(&world, &event(&world, &ada).await, "&limit=100").await;
    assert_eq!(pages.len(), 5, "each has eight tasks of 64 KB");
    assert!(pages.iter().all(|page| page.body.as_str().expect("rows").len() <= 512 * 1024));
    assert_eq!(rows(&pages).len(), 40);
}

#[tokio::test]
async fn pages_of_many_spaces_without_tasks_are_empty_until_the_last_one() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    world.register(900).await;
    for number in 1..=20 {
        let (one, owner) = space(number, &ada);
        taskbell_domain::ports::SpaceChanges::create_space(&world.store, &one, &owner, None, None)
            .await
            .expect("an answer");
    }
    let last = world.create(1, &ada, draft("Only")).await;
    let pages = pages(&world, &event(&world, &ada).await, "").await;
    assert_eq!(pages.len(), 3, "a page begins at most eight spaces");
    let found = rows(&pages);
    assert_eq!((found.len(), &found[0]["id"]), (1, &last.id.to_string()));
    assert_eq!(last.space, SpaceId::personal(ada.id));
}

#[tokio::test]
async fn an_unknown_format_and_a_cursor_of_another_one_are_refused() {
    let (world, ada, mine) = World::seeded().await;
    let event = event(&world, &ada).await;
    for bad in ["taskbell", "CSV", "json", ""] {
        let answer = world.send(&event.clone().query(&format!("format={bad}&limit=0"))).await;
        let expected = [("format", "unknown_value"), ("limit", "out_of_range")];
        assert_eq!((answer.status, answer.errors()), (422, expected.to_vec()), "{bad}");
    }
    let other: Task = task(2, &ada, draft("Another"));
    assert_eq!(other.space, mine.space);
    world.store.create(&other, None, None).await.expect("an answer");
    let page = world.send(&event.clone().query("format=csv&limit=1")).await;
    let (_, csv) = next(&page).expect("a next page").split_once("cursor=").expect("a cursor");
    let page = world.send(&event.clone().query("format=ndjson&limit=1")).await;
    let found = super::parsed(&page.body);
    let lines = found.last().map(|last| last["next_cursor"].clone());
    let lines = lines.as_ref().and_then(Value::as_str).expect("a cursor");
    for (format, cursor, status) in
        [("csv", csv, 200), ("csv", lines, 400), ("ndjson", csv, 400), ("ndjson", lines, 200)]
    {
        let query = format!("format={format}&cursor={cursor}");
        assert_eq!(world.send(&event.clone().query(&query)).await.status, status, "{query}");
    }
}
