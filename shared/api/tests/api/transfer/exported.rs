//! Pages of an export.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use taskbell_aws::dynamodb::keys;
use taskbell_domain::{
    id::SpaceId,
    ports::{Comments as _, TaskChanges as _, TaskCreation as _},
    space::Role,
    task::TaskPatch,
    text::CommentText,
};
use taskbell_test::{
    MemoryStore, SeededRandom,
    fixtures::{comment, draft, due_draft, now, space, task, user},
};
use taskbell_test_aws::Server;

use super::{World, any, lines, of_type, parsed};
use crate::{meter::Meter, support::collaborator};

#[tokio::test]
async fn a_thousand_tasks_are_exported_once_each_and_imported_by_pages() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    world.share(&ada).await;
    let shared = space(1, &ada).0.id;
    for number in 0..1_000_u64 {
        let mut made = task(1_000 + number, &ada, due_draft("One of many", "2026-04-02", &["PT30M"]));
        if number % 3 == 0 {
            made.space = shared;
        }
        world.store.create(&made, None, None).await.expect("an answer");
        if number % 50 == 0 {
            world.store.add_comment(&comment(number, &made, &ada), None).await.expect("an answer");
        }
    }
    let (mut pages, mut query) = (Vec::new(), "limit=70".to_owned());
    loop {
        let event = world.event("export-data", &ada, &any(&ada)).await.query(&query);
        let text = world.send(&event).await.body;
        let page = parsed(&text);
        let tasks = of_type(&page, "task");
        assert!(tasks.len() <= 70);
        pages.push(text.as_str().expect("lines").to_owned());
        // A task that was exported already, and one that comes later, change meanwhile.
        for number in [1_000, 1_999] {
            let mut changed = world.stored(task(number, &ada, draft("any")).id).await;
            let expected = changed.revision;
            let due = TaskPatch { due: Some(None), ..TaskPatch::default() };
            changed.apply(due, Some(&ada), now(), &SeededRandom::new(1)).expect("a patch");
            world.store.replace(&changed, expected, Default::default()).await.expect("an answer");
        }
        let last = page.last().expect("a line").clone();
        match last["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=70&cursor={cursor}"),
            None => break,
        }
    }
    let all = lines(&pages);
    let mut ids: Vec<_> = of_type(&all, "task").iter().map(|line| line["id"].to_string()).collect();
    assert_eq!(ids.len(), 1_000);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
    assert_eq!(of_type(&all, "comment").len(), 20);
    let bob = world.register(2).await;
    let (mut created, personal) = (0, SpaceId::personal(ada.id));
    for _ in 0..2 {
        for page in &pages {
            for from in [personal, shared] {
                // A user may carry out 1,000 operations a minute.
                world.clock.advance(jiff::SignedDuration::from_secs(20));
                let answer = world.import(&bob, &format!("from={from}"), page).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                created += answer.body["created"].as_u64().expect("a number");
            }
        }
    }
    assert_eq!(created, 1_020, "tasks and comments");
}

#[tokio::test]
async fn an_export_has_what_the_caller_may_read_and_nothing_else() {
    let (world, ada, mine) = World::seeded().await;
    let (eve, shared) = (collaborator(), space(1, &ada).0.id);
    world.shared_task(&ada, &json!({ "title": "Ours" })).await;
    let viewer = world.member(12, Role::Viewer).await;
    for (user, spaces) in [(&ada, 2), (&eve, 3), (&viewer, 2)] {
        let all = lines(&world.export(user, "").await);
        let found = of_type(&all, "space");
        assert_eq!(found.len(), spaces, "{}", user.name.as_str());
        let ours = found.iter().find(|space| space["id"] == json!(shared)).expect("the shared space");
        let names: Vec<_> =
            ours["members"].as_array().expect("members").iter().map(|one| &one["name"]).collect();
        assert_eq!(names.len(), 3);
        assert!(!ours.to_string().contains("@example.com"), "no address of a member");
        let ids = of_type(&all, "task").iter().any(|task| task["id"] == json!(mine.id));
        assert_eq!(ids, user.id == ada.id, "the personal task");
        let sorted: Vec<_> = found.iter().map(|space| space["id"].to_string()).collect();
        assert!(sorted.is_sorted());
    }
    // A cursor is of no use for someone else.
    let first =
        parsed(&world.send(&world.event("export-data", &ada, &mine).await.query("limit=1")).await.body);
    let cursor = first.last().expect("a line")["next_cursor"].as_str().expect("more").to_owned();
    let spied = world.event("export-data", &eve, &mine).await.query(&format!("cursor={cursor}"));
    assert_eq!(world.send(&spied).await.code(), "invalid_cursor");
}

#[tokio::test]
async fn a_page_of_an_export_ends_by_its_size_within_the_comments_of_a_task() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let made = world.create(1, &ada, draft("Discussed")).await;
    for number in 0..400_u64 {
        let mut one = comment(number, &made, &ada);
        one.text = CommentText::parse(&"é".repeat(3_999)).expect("a text");
        world.store.add_comment(&one, None).await.expect("an answer");
    }
    world.create(2, &ada, draft("After")).await;
    let pages = world.export(&ada, "limit=100").await;
    assert!(pages.len() >= 7, "{}", pages.len());
    assert!(pages.iter().all(|page| page.len() <= 512 * 1024));
    let all = lines(&pages);
    assert_eq!((of_type(&all, "task").len(), of_type(&all, "comment").len()), (2, 400));
    let mut ids: Vec<_> = of_type(&all, "comment").iter().map(|line| line["id"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 400);

    // The rest of the comments of a task that has left the space is not shown.
    let event = world.event("export-data", &ada, &made).await;
    let first = parsed(&world.send(&event.clone().query("limit=100")).await.body);
    let cursor = first.last().expect("a line")["next_cursor"].as_str().expect("more").to_owned();
    let mut moved = world.stored(made.id).await;
    moved.move_to(SpaceId::personal(user(7).id), true, now());
    world.store.replace(&moved, 1, Default::default()).await.expect("an answer");
    let rest = parsed(&world.send(&event.query(&format!("limit=100&cursor={cursor}"))).await.body);
    assert_eq!((of_type(&rest, "comment").len(), of_type(&rest, "task").len()), (0, 1));
}

#[tokio::test]
async fn the_cost_of_a_page_of_an_export_is_bounded() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    for number in 0..120 {
        world.create(number, &ada, due_draft("One of many", "2026-04-02", &["PT30M"])).await;
    }
    let event = world.event("export-data", &ada, &any(&ada)).await.query("limit=100");
    meter.read();
    assert_eq!(world.send(&event).await.status, 200);
    let cost = meter.read();
    // A call for the comments of each task, and one or two for the tasks.
    assert!(cost.calls > 100 && cost.calls <= 106, "{cost:?}");
    assert!(cost.reads <= 260.0 && cost.writes == 0.0, "{cost:?}");
    assert_eq!(world.send(&event.query("limit=100&format=csv")).await.status, 200);
    let cost = meter.read();
    assert!(cost.calls <= 5, "{cost:?}");
    assert!(cost.reads <= 160.0 && cost.writes == 0.0, "{cost:?}");
}

/// The index that lists the tasks of a space is not updated at once.
#[tokio::test]
async fn a_task_that_an_index_still_shows_in_the_space_that_it_has_left_is_not_exported() {
    let server = Server::start().await;
    let client = server.client();
    let world = World::on(server.store(client.clone()));
    let (ada, mine) = world.seed().await;
    let (eve, shared) = (collaborator(), space(1, &ada).0.id);
    let mut moved = task(50, &ada, draft("Secret by now"));
    (moved.space, moved.assigned_to) = (shared, None);
    world.store.create(&moved, None, None).await.expect("an answer");
    let mut kept = task(51, &ada, draft("Ours"));
    kept.space = shared;
    world.store.create(&kept, None, None).await.expect("an answer");
    world.store.add_comment(&comment(51, &moved, &ada), None).await.expect("an answer");
    let titles = async |query: &str| {
        let answer = world.send(&world.event("export-data", &eve, &mine).await.query(query)).await;
        let text = answer.body.as_str().expect("lines").to_owned();
        assert_eq!((answer.status, text.contains("Ours")), (200, true), "{text}");
        text.contains("Secret") || text.contains("Comment 51")
    };
    let formats = ["", "format=csv"];
    for query in formats {
        assert!(titles(query).await, "{query}: it is in the shared space");
    }
    let old = keys::space_partition(shared);
    assert_eq!(world.move_to_space(&ada, &moved, mine.space).await.status, 200);
    let (partition, sort) = keys::task(moved.id);
    let stale = client.update_item().table_name("TasksTable").key("pk", AttributeValue::S(partition));
    let stale = stale.key("sk", AttributeValue::S(sort)).update_expression("SET space_key = :old");
    stale.expression_attribute_values(":old", AttributeValue::S(old)).send().await.expect("an answer");
    let listed = world.event("list-tasks", &eve, &mine).await;
    let listed = world.send(&listed.query(&format!("space={shared}&sort=created"))).await.body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "the index shows it: {listed}");
    for query in formats {
        assert!(!titles(query).await, "{query}");
    }
}

#[tokio::test]
async fn every_page_of_an_export_can_be_imported_as_it_is() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    for number in 0..6 {
        let made = world.create(number, &ada, draft("Discussed")).await;
        for more in 0..400 {
            let one = comment(number * 1_000 + more, &made, &ada);
            world.store.add_comment(&one, None).await.expect("an answer");
        }
    }
    let pages = world.export(&ada, "limit=100").await;
    assert_eq!(pages.len(), 3, "2,406 lines with tasks and comments");
    assert!(pages.iter().all(|page| page.lines().count() <= 1_000));
    let (bob, mut created) = (world.register(2).await, 0);
    for page in &pages {
        world.clock.advance(jiff::SignedDuration::from_mins(1));
        let answer = world.import(&bob, "", page).await;
        assert_eq!((answer.status, &answer.body["failed"]), (200, &json!(0)), "{}", answer.body);
        created += answer.body["created"].as_u64().expect("a number");
    }
    assert_eq!(created, 2_406);
}
