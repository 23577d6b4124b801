//! What follows from the stream when a task moves: change feeds, live updates and statistics.

use std::sync::Mutex;

use serde_json::{Value, json};
use taskbell_api::workers::update_statistics;
use taskbell_domain::{
    feed::{Operation, Place, START_OVERLAP, Subject},
    id::SpaceId,
    ports::{
        Comments as _, PortError, Quotas as _, StatisticsReads as _, StatisticsUpdates,
        TaskCreation as _, TaskReads as _,
    },
    statistics::{Contribution, CounterGroups, Counters, GroupCounters},
    task::Task,
    text::Tag,
    user::User,
};
use taskbell_test::fixtures::{comment, due_draft, space, task};

use super::shared;
use crate::support::{World, collaborator};

/// What a user's client is told about changes since its cursor, and its next cursor.
async fn ask(world: &World, user: &User, cursor: &mut Option<String>) -> Value {
    let any = task(1, user, due_draft("any", "2026-03-02", &[]));
    let query = cursor.as_ref().map_or(String::new(), |cursor| format!("cursor={cursor}"));
    let answer = world.send(&world.event("list-changes", user, &any).await.query(&query)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    *cursor = answer.body["next_cursor"].as_str().map(str::to_owned);
    answer.body
}

/// Relays a move, as the stream does.
async fn relay_move(world: &World, id: Task, from: SpaceId, to: SpaceId) {
    world.relay(Place::Space(from), Subject::Task(id.id), Operation::Deleted).await;
    world.relay(Place::Space(to), Subject::Task(id.id), Operation::Created).await;
}

#[tokio::test]
async fn a_moved_task_leaves_one_space_and_arrives_in_the_other() {
    let (world, ada, mine) = World::seeded().await;
    let eve = collaborator();
    world.clock.advance(START_OVERLAP);
    let (mut of_ada, mut of_eve) = (None, None);
    ask(&world, &ada, &mut of_ada).await;
    ask(&world, &eve, &mut of_eve).await;
    world.connect(&ada, &mine, "ada").await;
    world.connect(&eve, &mine, "eve").await;

    assert_eq!(world.move_to_space(&ada, &mine, shared()).await.status, 200);
    relay_move(&world, mine.clone(), mine.space, shared()).await;
    let found = ask(&world, &eve, &mut of_eve).await;
    assert_eq!((&found["tasks"][0]["id"], &found["removed"]), (&json!(mine.id), &json!([])));
    let found = ask(&world, &ada, &mut of_ada).await;
    assert_eq!(found["tasks"][0]["space"], json!(shared()));
    let removed = json!([{ "type": "task", "id": mine.id, "space": mine.space }]);
    assert_eq!(found["removed"], removed, "of the space that it has left");
    world.push().await;
    let kinds = |messages: Vec<Value>| {
        let kinds = messages.into_iter().map(|message| {
            assert_eq!(message["type"] == "task_created", message["data"].is_object());
            (message["type"].clone(), message["space"].clone())
        });
        kinds.collect::<Vec<_>>()
    };
    let (left, arrived) =
        ((json!("task_deleted"), json!(mine.space)), (json!("task_created"), json!(shared())));
    assert_eq!(kinds(world.channel.take("eve")), std::slice::from_ref(&arrived));
    let of_both = kinds(world.channel.take("ada"));
    assert!(of_both.len() == 2 && of_both.contains(&left) && of_both.contains(&arrived), "{of_both:?}");

    // And back: Eve sees that it is gone, and nothing else of it.
    world
        .relay(
            Place::Task(mine.id),
            Subject::Comment(mine.id, comment(1, &mine, &ada).id),
            Operation::Updated,
        )
        .await;
    assert_eq!(world.move_to_space(&ada, &mine, mine.space).await.status, 200);
    relay_move(&world, mine.clone(), shared(), mine.space).await;
    let found = ask(&world, &eve, &mut of_eve).await;
    assert_eq!((&found["tasks"], &found["comments"]), (&json!([]), &json!([])));
    let removed: Vec<_> =
        found["removed"].as_array().expect("a list").iter().map(|one| &one["type"]).collect();
    assert_eq!(removed, ["comment", "task"]);
    world.push().await;
    let messages = world.channel.take("eve");
    let is_shown = |message: &Value| message["data"].is_object();
    assert!(!messages.is_empty() && !messages.iter().any(is_shown), "{messages:?}");
    assert_eq!(ask(&world, &ada, &mut of_ada).await["tasks"][0]["space"], json!(mine.space));
}

#[tokio::test]
async fn an_earlier_change_of_a_moved_task_discloses_nothing_to_those_who_cannot_see_it() {
    let (world, ada, _) = World::seeded().await;
    let eve = collaborator();
    let ours = Task { space: shared(), ..task(50, &ada, due_draft("Ours", "2026-03-02", &[])) };
    world.store.create(&ours, None, None).await.expect("an answer");
    let note = comment(7, &ours, &ada);
    world.store.add_comment(&note, None).await.expect("an answer");
    world.clock.advance(START_OVERLAP);
    let mut of_eve = None;
    ask(&world, &eve, &mut of_eve).await;
    for subject in [Subject::Task(ours.id), Subject::Comment(ours.id, note.id)] {
        world.relay(Place::Space(shared()), subject, Operation::Updated).await;
    }
    // It has moved, and the record of that is not relayed yet.
    assert_eq!(world.move_to_space(&ada, &ours, SpaceId::personal(ada.id)).await.status, 200);
    let found = ask(&world, &eve, &mut of_eve).await;
    assert_eq!((&found["tasks"], &found["comments"]), (&json!([]), &json!([])), "{found}");
    assert_eq!(found["removed"].as_array().map(Vec::len), Some(2));
}

/// The counters of a space.
async fn counted(world: &World, space: SpaceId) -> (Counters, GroupCounters) {
    let total = world.store.counters(space).await.expect("an answer");
    let mut groups = GroupCounters::new();
    for of in [
        CounterGroups::Tags,
        CounterGroups::Categories,
        CounterGroups::DueUntil("2100-01-01".parse().expect("a day")),
        CounterGroups::CompletedSince("2000-01-01".parse().expect("a day")),
    ] {
        let page = world.store.counter_groups(space, of, None, None).await.expect("an answer");
        groups.extend(page.items);
    }
    (total, groups)
}

/// The same, counted from the tasks.
async fn recounted(world: &World, space: SpaceId, tasks: &[Task]) -> (Counters, GroupCounters) {
    let mut groups = GroupCounters::new();
    for known in tasks {
        let Some(task) = world.store.task(known.id).await.expect("an answer") else { continue };
        if task.space != space {
            continue;
        }
        for (group, counters) in Contribution::of(&task).counts {
            let sum = groups.entry(group).or_default();
            counters.iter().for_each(|(counter, many)| *sum.entry(*counter).or_default() += many);
        }
    }
    let total = groups.remove(&taskbell_domain::statistics::CounterGroup::Tasks).unwrap_or_default();
    (total, groups)
}

#[tokio::test]
async fn statistics_after_moves_are_those_of_a_recount() {
    let (world, ada, first) = World::seeded().await;
    let (mine, ours) = (first.space, shared());
    let mut tasks = vec![first.clone()];
    for number in 10..16_u64 {
        let mut draft = due_draft("Ring", "2026-03-05T09:00:00Z", &["PT1H"]);
        draft.tags = vec![Tag::parse(&format!("t{}", number % 3)).expect("a tag")];
        let made = world.create(number, &ada, draft).await;
        world.update_statistics(None, Some(&made)).await;
        tasks.push(made);
    }
    // What the stream records of moves there and back, edits between them, and completions.
    let mut records = Vec::new();
    for (number, known) in tasks.iter().enumerate() {
        let mut change = async |function: &str, body: Value| {
            let before = world.stored(known.id).await;
            let event = world.event(function, &ada, known).await.without_header("if-match");
            let answer = world.send(&event.body(&body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            records.push((before, world.stored(known.id).await));
        };
        change("move-task", json!({ "space": ours })).await;
        if number % 2 == 0 {
            change("update-task", json!({ "tags": ["moved"], "due": "2026-03-09T09:00:00Z" })).await;
        }
        if number % 3 == 0 {
            change("move-task", json!({ "space": mine })).await;
        }
        if number % 4 == 0 {
            change("complete-task", json!({})).await;
            change("move-task", json!({ "space": ours })).await;
        }
    }
    let deliver = async |some: &[(Task, Task)]| {
        let named = some.iter().enumerate().map(|(number, (before, after))| {
            (format!("{number:03}"), Ok((Some(before.clone()), Some(after.clone()))))
        });
        assert_eq!(update_statistics::handle(&world.store, named).await, None);
    };
    // In batches, each received twice, the last one again at the end.
    for batch in records.chunks(4) {
        deliver(batch).await;
        deliver(batch).await;
    }
    deliver(&records[..6]).await;
    for space in [mine, ours] {
        let (total, groups) = counted(&world, space).await;
        let (all, recount) = recounted(&world, space, &tasks).await;
        assert_eq!((total, groups), (all, recount), "{space}");
    }
}

/// What was recorded.
#[derive(Default)]
struct Recorded(Mutex<Vec<Contribution>>);

impl StatisticsUpdates for Recorded {
    async fn record_contributions(&self, some: &[Contribution]) -> Result<(), PortError> {
        self.0.lock().expect("not poisoned").extend_from_slice(some);
        Ok(())
    }
}

#[tokio::test]
async fn a_task_that_moves_twice_in_a_batch_has_counted_where_it_was_at_first() {
    let ada = taskbell_test::fixtures::user(1);
    let first = task(1, &ada, due_draft("Ring", "2026-03-05", &[]));
    let moved = |task: &Task, to: SpaceId| {
        let mut moved = task.clone();
        assert!(moved.move_to(to, true, task.created_at));
        moved
    };
    let second = moved(&first, shared());
    let third = moved(&second, space(2, &ada).0.id);
    let store = Recorded::default();
    let changes = [(&first, &second), (&second, &third)];
    let changes = changes.map(|(old, new)| (String::new(), Ok((Some(old.clone()), Some(new.clone())))));
    assert_eq!(update_statistics::handle(&store, changes).await, None);
    let recorded = store.0.into_inner().expect("not poisoned");
    let mut spaces: Vec<_> =
        recorded.iter().map(|one| (one.version, one.space, one.space_before)).collect();
    spaces.sort_unstable();
    assert_eq!(spaces, [(2, second.space, first.space), (3, third.space, first.space)]);
}
