//! Following the change feeds of spaces.

mod cost;
mod follower;
mod server;
mod simulation;

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::workers::relay_changes;
use taskbell_domain::{
    clock::Clock as _,
    feed::{Change, Operation, Place, RETENTION, RecordedChange, START_OVERLAP, Subject},
    id::SpaceId,
    membership::MemberChange,
    ports::{
        FeedChanges as _, FeedReads as _, PortError, SpaceChanges as _, SpaceReads as _,
        TaskChanges as _,
    },
    space::{Member, Role},
    task::Task,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, Side,
    fixtures::{comment, due_draft, space, task},
    injected,
};

use crate::support::World;

/// A world in which the feeds have settled: a client that starts now gets no earlier changes.
async fn settled() -> (World, User, Task) {
    let (world, ada, task) = World::seeded().await;
    world.clock.advance(START_OVERLAP);
    (world, ada, task)
}

/// What has changed for a user since a cursor, or the first answer.
async fn changes<S: taskbell_test::contract::Store>(
    world: &World<S>,
    user: &User,
    about: &Task,
    cursor: Option<&str>,
    more: &str,
) -> Value {
    let event = world.event("list-changes", user, about).await;
    let query = cursor.map_or(String::new(), |cursor| format!("cursor={cursor}{more}"));
    let answer = world.send(&event.query(&query)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn cursor_of(body: &Value) -> String {
    body["next_cursor"].as_str().expect("a cursor").to_owned()
}

/// The answer without what says how far it reaches.
fn shown(mut body: Value) -> Value {
    for name in ["next_cursor", "sequences"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    body
}

fn nothing() -> Value {
    json!({
        "tasks": [], "comments": [], "members": [], "spaces": [], "removed": [], "joined": [], "left": [],
        "has_more": false,
    })
}

#[tokio::test]
async fn each_changed_object_is_returned_once_as_it_is_now() {
    let (world, ada, mine) = settled().await;
    let (ours, _) = space(1, &ada);
    let begun = changes(&world, &ada, &mine, None, "").await;
    let cursor = cursor_of(&begun);
    assert_eq!(shown(begun), nothing());
    assert_eq!(shown(changes(&world, &ada, &mine, Some(&cursor), "").await), nothing());

    let other = world.create(2, &ada, due_draft("Two", "2026-03-02", &[])).await;
    let gone = world.create(3, &ada, due_draft("Three", "2026-03-02", &[])).await;
    world.store.delete(gone.id, gone.revision, false, None).await.expect("an answer");
    let personal = Place::Space(mine.space);
    for (subject, operation) in [
        (Subject::Task(mine.id), Operation::Updated),
        (Subject::Task(other.id), Operation::Created),
        (Subject::Task(mine.id), Operation::Updated),
        (Subject::Task(gone.id), Operation::Created),
        (Subject::Task(gone.id), Operation::Deleted),
    ] {
        world.relay(personal, subject, operation).await;
    }
    let note = Subject::Comment(mine.id, comment(1, &mine, &ada).id);
    world.relay(Place::Task(mine.id), note, Operation::Created).await;
    world
        .relay(
            Place::Task(gone.id),
            Subject::Comment(gone.id, comment(9, &gone, &ada).id),
            Operation::Deleted,
        )
        .await;
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Updated).await;
    world.relay(Place::Space(ours.id), Subject::Space, Operation::Updated).await;

    let found = changes(&world, &ada, &mine, Some(&cursor), "").await;
    let ids = |list: &str| -> Vec<String> {
        let all = found[list].as_array().expect("a list").iter();
        let id =
            |one: &Value| one["id"].as_str().or(one["user_id"].as_str()).expect("an id").to_owned();
        all.map(id).collect()
    };
    assert_eq!(ids("tasks"), [mine.id.to_string(), other.id.to_string()]);
    let get = world.event("get-task", &ada, &mine).await;
    assert_eq!(found["tasks"][0], world.send(&get).await.body);
    assert_eq!(ids("comments"), [comment(1, &mine, &ada).id.to_string()]);
    assert_eq!(ids("members"), [ada.id.to_string()]);
    assert_eq!(found["members"][0]["space"], json!(ours.id));
    assert_eq!(ids("spaces"), [ours.id.to_string()]);
    let removed = json!([{ "type": "task", "id": gone.id, "space": mine.space }]);
    assert_eq!((&found["removed"], &found["has_more"]), (&removed, &json!(false)));
    assert_eq!(shown(changes(&world, &ada, &mine, Some(&cursor_of(&found)), "").await), nothing());
    let again = changes(&world, &ada, &mine, Some(&cursor), "").await;
    assert_eq!(again["tasks"], found["tasks"], "a cursor can be used again");
}

#[tokio::test]
async fn changes_are_paged_and_none_is_left_out() {
    let (world, ada, mine) = settled().await;
    let (ours, _) = space(1, &ada);
    let mut cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    let mut expected = Vec::new();
    for number in 2..12 {
        let task = world.create(number, &ada, due_draft("One of many", "2026-03-02", &[])).await;
        for subject in [Subject::Task(task.id), Subject::Task(mine.id), Subject::Task(task.id)] {
            world.relay(Place::Space(mine.space), subject, Operation::Updated).await;
        }
        world.relay(Place::Space(ours.id), Subject::Task(task.id), Operation::Updated).await;
        expected.push(task.id.to_string());
    }
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let found = changes(&world, &ada, &mine, Some(&cursor), "&limit=3").await;
        let tasks = found["tasks"].as_array().expect("tasks");
        assert!(tasks.len() <= 3);
        seen.extend(tasks.iter().map(|task| task["id"].as_str().expect("an id").to_owned()));
        (cursor, pages) = (cursor_of(&found), pages + 1);
        assert!(pages < 50, "the cursor does not advance");
        if found["has_more"] == false {
            break;
        }
        assert!(!tasks.is_empty());
    }
    seen.retain(|id| *id != mine.id.to_string());
    seen.sort();
    seen.dedup();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(shown(changes(&world, &ada, &mine, Some(&cursor), "").await), nothing());
}

#[tokio::test]
async fn a_page_has_changes_of_every_space_and_no_more_than_its_limit() {
    let (world, ada, mine) = settled().await;
    let (ours, _) = space(1, &ada);
    let mut cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    for number in 20..26 {
        let gone = Subject::Task(task(number, &ada, due_draft("Gone", "2026-03-02", &[])).id);
        for of in [mine.space, ours.id] {
            world.relay(Place::Space(of), gone, Operation::Deleted).await;
        }
    }
    let mut pages = Vec::new();
    while pages.len() < 9 {
        let found = changes(&world, &ada, &mine, Some(&cursor), "&limit=5").await;
        let removed = found["removed"].as_array().expect("a list");
        let in_mine = removed.iter().filter(|one| one["space"] == json!(mine.space)).count();
        pages.push((in_mine, removed.len() - in_mine));
        cursor = cursor_of(&found);
        if found["has_more"] == false {
            break;
        }
    }
    assert_eq!(pages, [(2, 2), (2, 2), (2, 2)]);
}

#[tokio::test]
async fn a_new_member_learns_of_the_space_and_a_former_member_sees_no_more_of_it() {
    let (world, ada, mine) = settled().await;
    let eve = world.register(5).await;
    let (mut ours, _) = space(1, &ada);
    ours.version = 2;
    ours.member_count = 2;
    let cursor = cursor_of(&changes(&world, &eve, &mine, None, "").await);
    world.relay(Place::Space(ours.id), Subject::Space, Operation::Updated).await;
    assert_eq!(shown(changes(&world, &eve, &mine, Some(&cursor), "").await), nothing());

    world.join(&mut ours, &eve, Role::Viewer).await;
    let joined = changes(&world, &eve, &mine, Some(&cursor), "").await;
    assert_eq!(joined["joined"], json!([ours.id]));
    assert_eq!(
        (&joined["spaces"][0]["id"], &joined["spaces"][0]["role"]),
        (&json!(ours.id), &json!("viewer"))
    );
    let cursor = cursor_of(&joined);
    world.clock.advance(START_OVERLAP);
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Updated).await;
    let seen = changes(&world, &eve, &mine, Some(&cursor), "").await;
    assert_eq!(seen["members"].as_array().map(Vec::len), Some(1));

    let member = Member { space: ours.id, user: eve.id, role: Role::Viewer, joined_at: eve.created_at };
    let read = ours.version;
    let change = MemberChange::Leave(member);
    ours.apply(&change, world.clock.now()).expect("an owner stays");
    assert!(world.store.change_member(&ours, read, &change).await.expect("an answer"));
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Updated).await;
    let left = changes(&world, &eve, &mine, Some(&cursor), "").await;
    assert_eq!(left["left"], json!([ours.id]));
    assert_eq!(left["members"], json!([]));
    let after = changes(&world, &eve, &mine, Some(&cursor_of(&left)), "").await;
    assert_eq!(shown(after), nothing());
}

/// Begins the deletion of a space.
async fn hide(world: &World, id: SpaceId) {
    let mut stored = world.store.space(id).await.expect("an answer").expect("a space");
    let read = stored.version;
    stored.begin_deletion(world.clock.now());
    world.store.replace_space(&stored, read).await.expect("an answer");
}

#[tokio::test]
async fn a_request_reads_a_bounded_number_of_entries_however_many_feeds_have_changed() {
    let (world, ada, mine) = settled().await;
    let mut spaces = Vec::new();
    for number in 10..18 {
        let (made, owner) = space(number, &ada);
        world.store.create_space(&made, &owner, None, None).await.expect("an answer");
        spaces.push(made.id);
    }
    let mut cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    for _ in 0..30 {
        for space in &spaces {
            world.relay(Place::Space(*space), Subject::Space, Operation::Updated).await;
        }
    }
    let mut requests = 0;
    while requests < 9 {
        let found = changes(&world, &ada, &mine, Some(&cursor), "&limit=100").await;
        (cursor, requests) = (cursor_of(&found), requests + 1);
        if found["has_more"] == false {
            break;
        }
    }
    // 12 entries of each of eight feeds at a time.
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn a_space_that_is_being_deleted_is_left() {
    let (world, ada, mine) = settled().await;
    let (ours, _) = space(1, &ada);
    let cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    hide(&world, ours.id).await;
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Updated).await;
    world.relay(Place::Space(ours.id), Subject::Space, Operation::Updated).await;
    let found = changes(&world, &ada, &mine, Some(&cursor), "").await;
    assert_eq!(
        (&found["left"], &found["members"], &found["spaces"]),
        (&json!([ours.id]), &json!([]), &json!([]))
    );
    world.store.purge_space(ours.id).await.expect("an answer");
    world.relay(Place::Space(ours.id), Subject::Space, Operation::Deleted).await;
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Deleted).await;
    assert_eq!(changes(&world, &ada, &mine, Some(&cursor), "").await["left"], json!([ours.id]));
    assert!(world.store.feed_heads(&[ours.id]).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_space_whose_feed_has_ended_is_left_once() {
    let (world, ada, mine) = settled().await;
    let (ours, _) = space(1, &ada);
    world.relay(Place::Space(ours.id), Subject::Member(ada.id), Operation::Updated).await;
    world.clock.advance(START_OVERLAP);
    let cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    hide(&world, ours.id).await;
    world.relay(Place::Space(ours.id), Subject::Space, Operation::Deleted).await;
    world.relay(Place::Space(ours.id), Subject::Task(mine.id), Operation::Deleted).await;
    let found = changes(&world, &ada, &mine, Some(&cursor), "").await;
    assert_eq!((&found["left"], &found["joined"]), (&json!([ours.id]), &json!([])));
    let again = changes(&world, &ada, &mine, Some(&cursor_of(&found)), "").await;
    assert_eq!(shown(again), nothing());
    let from_now = changes(&world, &ada, &mine, None, "").await;
    let next = changes(&world, &ada, &mine, Some(&cursor_of(&from_now)), "").await;
    assert_eq!(shown(next), nothing());
}

#[tokio::test]
async fn a_cursor_ahead_of_a_restored_table_has_expired() {
    let (world, ada, mine) = settled().await;
    world.relay(Place::Space(mine.space), Subject::Task(mine.id), Operation::Updated).await;
    world.clock.advance(START_OVERLAP);
    let cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    world.store.end_feed(mine.space, world.clock.now()).await.expect("an answer");
    let event = world.event("list-changes", &ada, &mine).await;
    let answer = world.send(&event.query(&format!("cursor={cursor}"))).await;
    assert_eq!((answer.status, &answer.body["code"]), (410, &json!("cursor_expired")));
}

#[tokio::test]
async fn a_cursor_from_before_the_kept_changes_has_expired() {
    let (world, ada, mine) = settled().await;
    let cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    let update = async || {
        world.relay(Place::Space(mine.space), Subject::Task(mine.id), Operation::Updated).await
    };
    update().await;
    world.clock.advance(RETENTION - SignedDuration::from_secs(1));
    update().await;
    let ask = async || {
        let event = world.event("list-changes", &ada, &mine).await;
        world.send(&event.query(&format!("cursor={cursor}"))).await
    };
    assert_eq!(ask().await.status, 200);
    world.clock.advance(SignedDuration::from_secs(1));
    let expired = ask().await;
    assert_eq!((expired.status, &expired.body["code"]), (410, &json!("cursor_expired")));
}

/// The first read of a task fails.
#[derive(Default)]
struct OneFailure(AtomicBool);

impl Faults for OneFailure {
    async fn pass(&self, call: &'static str, _: Side) -> Result<(), PortError> {
        match call == "task" && !self.0.swap(true, Ordering::Relaxed) {
            true => Err(injected("reading a task")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn later_changes_wait_for_one_whose_space_cannot_be_read() {
    let (world, ada, mine) = settled().await;
    let store = Faulty { store: world.store.clone(), faults: OneFailure::default() };
    let record = |number: u64, operation| {
        let subject = Subject::Comment(mine.id, comment(1, &mine, &ada).id);
        let change = Change { id: number.to_string(), subject, operation, version: 1 };
        let (place, recorded_at) = (Place::Task(mine.id), world.clock.now());
        (number.to_string(), Ok(Some(RecordedChange { place, change, recorded_at })))
    };
    let relay = async |numbers: [u64; 2]| {
        let changes =
            numbers.map(|n| record(n, Operation::ALL[usize::try_from(n).expect("small") - 1]));
        relay_changes::handle(&store, &world.pushes, &world.clock, changes).await
    };
    let appended = async || {
        let entries = world.store.feed_entries(mine.space, 0, 9, world.clock.now()).await;
        let entries = entries.expect("an answer").unwrap_or_default();
        entries.into_iter().map(|entry| entry.change.id).collect::<Vec<_>>()
    };
    assert_eq!(relay([1, 2]).await, Some("1".to_owned()));
    assert_eq!(appended().await, [""; 0]);
    assert_eq!(relay([1, 2]).await, None);
    assert_eq!(appended().await, ["1", "2"]);
}
