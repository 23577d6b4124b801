//! Cursors over HTTP: they cannot be forged, and a list continues within the range of its first page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use taskbell_api::{
    http::{Caller, Cursor, CursorKey},
    keys::KeyRing,
};
use taskbell_domain::{
    ports::Comments,
    task::Task,
    text::{Category, Tag},
    user::User,
    zone::Zone,
};
use taskbell_test::{
    MemoryStore,
    contract::Store,
    fixtures::{api_token, comment, draft, due_draft, instant},
};
use taskbell_test_aws::Server;

use crate::support::{Event, World, collaborator};

/// Every function whose answers have cursors.
const LISTS: [&str; 5] = ["list-tasks", "list-comments", "list-users", "list-tags", "list-categories"];

/// A world in which each list has more than one item, with user 1 and a task.
async fn with_two_of_each() -> (World, User, Task) {
    let (world, ada, task) = World::seeded().await;
    world.store.add_comment(&comment(2, &task, &ada), None).await.expect("no store error");
    for (number, name) in [(2, "bell"), (3, "rope")] {
        let mut draft = draft(name);
        draft.tags = vec![Tag::parse(name).expect("a tag")];
        draft.category = Some(Category::parse(name).expect("a category"));
        let task = world.create(number, &ada, draft).await;
        world.update_statistics(None, Some(&task)).await;
    }
    (world, ada, task)
}

async fn refused(world: &World, event: &Event, cursor: &str) -> bool {
    let answer = world.send(&event.clone().query(&format!("limit=1&cursor={cursor}"))).await;
    (answer.status, answer.code()) == (400, "invalid_cursor")
}

#[tokio::test]
async fn every_list_accepts_only_its_own_cursors() {
    let (world, ada, task) = with_two_of_each().await;
    let mut given = Vec::new();
    for list in LISTS {
        let event = world.event(list, &ada, &task).await;
        let page = world.send(&event.clone().query("limit=1")).await;
        assert_eq!(page.status, 200, "{list}: {}", page.body);
        let cursor = page.body["next_cursor"].as_str().expect("a cursor").to_owned();
        let next = world.send(&event.clone().query(&format!("limit=1&cursor={cursor}"))).await;
        assert_eq!(
            (next.status, next.body["items"].as_array().map(Vec::len)),
            (200, Some(1)),
            "{list}"
        );
        assert_ne!(next.body["items"], page.body["items"], "{list}");
        for index in 0..cursor.len() {
            let mut edited = cursor.clone().into_bytes();
            edited[index] = if edited[index] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(edited).expect("ASCII");
            assert!(refused(&world, &event, &edited).await, "{list}, edited at {index}");
        }
        assert!(refused(&world, &event, &cursor[..cursor.len() - 4]).await, "{list}, truncated");
        given.push((event, cursor));
    }
    for (index, (event, _)) in given.iter().enumerate() {
        for (other, (_, cursor)) in given.iter().enumerate() {
            assert_eq!(refused(&world, event, cursor).await, index != other, "{index} {other}");
        }
    }
    let bearer = format!("Bearer {}", world.access_token(&collaborator()));
    // Others get 404 for the comments, with or without a cursor.
    for (event, cursor) in given.iter().filter(|(event, _)| event.function != "list-comments") {
        let event = event.clone().header("authorization", &bearer);
        assert!(refused(&world, &event, cursor).await, "{} of another user", event.function);
    }
}

#[tokio::test]
async fn every_list_refuses_a_forged_cursor() {
    let (world, ada, task) = with_two_of_each().await;
    let other_key =
        CursorKey::parse(&KeyRing::generate("1").expect("a key").cursor_key()).expect("a key");
    let id = task.id.body();
    let places = [
        format!("- - \0#{id}"),
        format!("\0#{id}"),
        format!("- - \u{10ffff}\u{10ffff}\u{10ffff}#{id}"),
        format!("{} \0", ada.id.body()),
        format!("{} zzz", ada.id.body()),
        "\0".to_owned(),
        id,
        String::new(),
    ];
    for list in LISTS {
        let event = world.event(list, &ada, &task).await;
        for place in &places {
            let unsigned = [&[0; 32], place.as_bytes()].concat();
            let unkeyed = [[7; 12].as_slice(), place.as_bytes()].concat();
            for forged in [&unsigned, &unkeyed] {
                let forged = URL_SAFE_NO_PAD.encode(forged);
                assert!(refused(&world, &event, &forged).await, "{list}: {place:?}");
            }
            let none: Vec<(&str, &str)> = Vec::new();
            let caller = Caller::from(&api_token(1, &ada));
            let forged = Cursor::new(&other_key, caller, &none).write(place);
            assert!(refused(&world, &event, &forged).await, "{list}: {place:?} with another key");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_invalid_after_its_signing_key_changes() {
    let (mut world, ada, task) = with_two_of_each().await;
    let event = world.event("list-tasks", &ada, &task).await;
    let page = world.send(&event.clone().query("limit=1")).await.body;
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    assert!(!refused(&world, &event, &cursor).await);
    let next = KeyRing::generate("1").expect("a key").cursor_key();
    world.cursor_key = CursorKey::parse(&next).expect("a key");
    assert!(refused(&world, &event, &cursor).await);
}

/// Half an hour before midnight in Berlin.
const EVENING: &str = "2026-03-01T22:30:00Z";

/// Reads a list page by page, starting in the evening. The date changes after the first page and the time zone of the user
/// after the second. All tasks of the evening must be listed.
async fn check_list_continues_after_midnight(
    world: &World<impl Store>,
    ada: &mut User,
    task: &Task,
    query: &str,
) {
    world.clock.set(instant(EVENING));
    let titles = |body: &serde_json::Value| -> Vec<String> {
        let items = body["items"].as_array().expect("items").iter();
        items.map(|item| item["title"].as_str().expect("a title").to_owned()).collect()
    };
    let event = world.event("list-tasks", ada, task).await;
    let whole = world.send(&event.query(query)).await;
    assert_eq!(whole.status, 200, "{query}: {}", whole.body);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for page in 0..20 {
        match page {
            1 => world.clock.set(instant("2026-03-01T23:30:00Z")),
            2 => {
                let zone = if ada.time_zone == Zone::utc() { "Pacific/Kiritimati" } else { "UTC" };
                let moved = User {
                    time_zone: Zone::parse(zone).expect("a zone"),
                    version: ada.version + 1,
                    ..ada.clone()
                };
                world.store.replace_user(&moved, ada.version, None).await.expect("no store error");
                *ada = moved;
            }
            _ => {}
        }
        let event = world.event("list-tasks", ada, task).await;
        let answer = world.send(&event.query(&format!("{query}&limit=1{cursor}"))).await;
        assert_eq!(answer.status, 200, "{query}, page {page}: {}", answer.body);
        found.extend(titles(&answer.body));
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(found.len() > 1, "{query} {found:?}");
    assert_eq!(found, titles(&whole.body), "{query}");
}

async fn check_lists_continue_after_midnight(world: &World<impl Store>) {
    let mut ada = world.register(1).await;
    let task = world.create(1, &ada, draft("no due time")).await;
    for (number, due) in (2..).zip(["2026-03-01", "2026-03-01T22:45:00Z", "2026-03-01", "2026-02-27"]) {
        for late in ["", " too"] {
            let mut draft = due_draft(&format!("{due}{late}"), due, &[]);
            draft.assigned_to = Some(ada.id);
            world.create(number * 10 + late.len() as u64, &ada, draft).await;
        }
    }
    for query in [
        "due=today",
        "due=today&sort=-due",
        "due=today&priority=medium",
        "due=today&sort=priority&priority=medium",
        "due=today&status=pending",
        "due=today&assigned_to=me",
        "due=today&assigned_to=me&sort=-due",
        "due=today&due_after=2026-03-01T22:40:00Z",
        "due=today&sort=title",
        "due=week",
        "overdue=true",
    ] {
        check_list_continues_after_midnight(world, &mut ada, &task, query).await;
    }
}

#[tokio::test]
async fn a_list_of_today_continues_after_midnight_and_a_time_zone_change() {
    check_lists_continue_after_midnight(&World::on(MemoryStore::default())).await;
}

#[tokio::test]
async fn a_list_of_today_continues_after_midnight_and_a_time_zone_change_on_dynamodb() {
    let server = Server::start().await;
    check_lists_continue_after_midnight(&World::on(server.store(server.client()))).await;
}

#[tokio::test]
async fn a_task_that_becomes_overdue_between_pages_is_not_listed() {
    let (world, ada, task) = World::seeded().await;
    for (number, due) in [(2, "2026-02-02"), (3, "2026-02-03"), (4, "2026-03-01T08:00:10Z")] {
        world.create(number, &ada, due_draft(due, due, &[])).await;
    }
    let event = world.event("list-tasks", &ada, &task).await;
    let first = world.send(&event.clone().query("overdue=true&limit=1")).await.body;
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = world.send(&event.query(&format!("overdue=true&cursor={cursor}"))).await.body;
    let titles: Vec<_> = rest["items"].as_array().expect("items").iter().map(|t| &t["title"]).collect();
    assert_eq!(titles, ["2026-02-03"]);
}
