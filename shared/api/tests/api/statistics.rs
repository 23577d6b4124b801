//! Tags, categories and statistics.

use std::{collections::BTreeSet, sync::Mutex};

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    id::TaskId,
    ports::{PortError, StatisticsUpdates, UnusableItem},
    statistics::Contribution,
    task::{Status, TaskPatch},
    text::{Category, Tag},
};
use taskbell_test::{
    SeededRandom,
    fixtures::{draft, due_draft, task, user},
};

use crate::{log_lines::LogLines, support::World};

fn tag(name: &str) -> Tag {
    Tag::parse(name).expect("a tag")
}

#[tokio::test]
async fn tags_and_categories_are_listed_by_name_with_task_counts() {
    let (world, ada, known) = World::seeded().await;
    for (number, tags) in [(10, &["b", "a"][..]), (11, &["b"]), (12, &["c"])] {
        let mut one = task(number, &ada, draft("one"));
        one.tags = tags.iter().map(|name| tag(name)).collect();
        one.category = Category::parse("home").ok();
        world.update_statistics(None, Some(&one)).await;
        if number == 12 {
            let mut done = one.clone();
            let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
            done.apply(patch, None, one.created_at, &SeededRandom::new(1)).expect("a change");
            world.update_statistics(Some(&one), Some(&done)).await;
        }
    }
    let tags = world.event("list-tags", &ada, &known).await;
    let first = world.send(&tags.clone().query("limit=2")).await;
    let a = json!({"name": "a", "open": 1, "completed": 0});
    assert_eq!(first.body["items"], json!([a, {"name": "b", "open": 2, "completed": 0}]));
    let cursor = first.body["next_cursor"].as_str().expect("more");
    let rest = world.send(&tags.clone().query(&format!("limit=2&cursor={cursor}"))).await;
    let c = json!({"name": "c", "open": 0, "completed": 1});
    assert_eq!(rest.body, json!({"items": [c], "next_cursor": null}));

    let categories = world.event("list-categories", &ada, &known).await;
    let answer = world.send(&categories).await;
    assert_eq!(answer.body["items"], json!([{"name": "home", "open": 2, "completed": 1}]));
    let foreign = world.send(&categories.query(&format!("cursor={cursor}"))).await;
    assert_eq!((foreign.status, foreign.code()), (400, "invalid_cursor"));
    let bob = world.register(2).await;
    let spied = format!("space={}", known.space);
    for function in ["list-tags", "list-categories", "get-stats"] {
        let event = world.event(function, &bob, &known).await.query(&spied);
        assert_eq!(world.send(&event).await.status, 404, "{function}");
    }
}

#[tokio::test]
async fn statistics_count_open_overdue_and_completed_tasks_in_the_callers_time_zone() {
    let (world, ada, known) = World::seeded().await;
    world.update_statistics(Some(&known), None).await;
    let stats = world.event("get-stats", &ada, &known).await;
    let empty = world.send(&stats).await;
    assert_eq!(
        (empty.body["completion_rate"].clone(), empty.body["open"].clone()),
        (json!(null), json!(0))
    );

    let late = task(10, &ada, due_draft("late", "2026-02-20", &[]));
    let soon = task(11, &ada, due_draft("soon", "2026-03-01T09:00:00Z", &[]));
    let mut begun = task(12, &ada, draft("begun"));
    begun.status = Status::InProgress;
    for one in [&late, &soon, &begun] {
        world.update_statistics(None, Some(one)).await;
    }
    // 23:30 in Berlin and half an hour later: two dates in Berlin, one in UTC.
    for (number, at) in [(20, "2026-03-01T22:30:00Z"), (21, "2026-03-01T23:00:00Z")] {
        let mut done = task(number, &ada, draft("done"));
        let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
        let at = at.parse().expect("a time");
        done.apply(patch, None, at, &SeededRandom::new(1)).expect("a change");
        world.update_statistics(None, Some(&done)).await;
    }
    world.clock.advance(SignedDuration::from_hours(24)); // 2026-03-02T08:00:00Z
    let stats = world.event("get-stats", &ada, &known).await;
    let answer = world.send(&stats.clone().query("days=3")).await.body;
    let mut rest = answer.clone();
    let median = rest["median_seconds_to_complete"].take().as_i64().expect("a median");
    let truth = 14.5 * 3_600.0;
    assert!((median as f64 - truth).abs() <= truth / 10.0, "{median}");
    assert_eq!(
        rest,
        json!({
            "open": 3, "pending": 2, "in_progress": 1, "completed": 2, "overdue": 2,
            "completion_rate": 0.4,
            "median_seconds_to_complete": null,
            "completed_by_day": [
                {"date": "2026-02-28", "completed": 0},
                {"date": "2026-03-01", "completed": 1},
                {"date": "2026-03-02", "completed": 1},
            ],
            "completed_by_week": [
                {"week_of": "2026-02-23", "completed": 1},
                {"week_of": "2026-03-02", "completed": 1},
            ],
        })
    );
    for bad in ["days=0", "days=93", "days=x", "day=1", "space=x"] {
        assert_eq!(world.send(&stats.clone().query(bad)).await.status, 422, "{bad}");
    }
}

/// Fails for one task.
struct FailsForTask {
    task: TaskId,
    error: fn() -> PortError,
    recorded: Mutex<Vec<TaskId>>,
}

impl StatisticsUpdates for FailsForTask {
    async fn record_contributions(&self, contributions: &[Contribution]) -> Result<(), PortError> {
        if contributions.iter().any(|contribution| contribution.task == self.task) {
            return Err((self.error)());
        }
        let tasks = contributions.iter().map(|contribution| contribution.task);
        self.recorded.lock().expect("not poisoned").extend(tasks);
        Ok(())
    }
}

fn failing(transient: bool) -> PortError {
    PortError { operation: "counting", transient, source: "AccessDeniedException".into() }
}

fn refused() -> PortError {
    let source = Box::new(UnusableItem("ValidationException".to_owned()));
    PortError { operation: "counting", transient: false, source }
}

#[tokio::test]
async fn a_store_failure_stops_the_batch_and_an_unusable_change_is_skipped_and_logged() {
    let ada = user(1);
    let tasks: Vec<_> = (1..=3).map(|number| task(number, &ada, draft("one"))).collect();
    let (lines, _recording) = LogLines::record();
    let cases: [(fn() -> PortError, _, _, _); 3] = [
        (|| failing(true), Some("1".to_owned()), vec![], "WARN changes not recorded"),
        (|| failing(false), Some("1".to_owned()), vec![], "ERROR changes not recorded"),
        (refused, None, vec![tasks[0].id, tasks[2].id], "ERROR change skipped"),
    ];
    for (error, again, recorded, line) in cases {
        let store = FailsForTask { task: tasks[1].id, error, recorded: Mutex::default() };
        let each = tasks.iter().zip(["1", "2", "3"]);
        let changes = each.map(|(task, name)| (name.to_owned(), Ok((None, Some(task.clone())))));
        // An unreadable change is always skipped.
        let changes = [("0".to_owned(), Err(refused()))].into_iter().chain(changes);
        assert_eq!(taskbell_api::workers::update_statistics::handle(&store, changes).await, again);
        let recorded: BTreeSet<_> = recorded.into_iter().collect();
        let tasks = store.recorded.lock().expect("not poisoned").iter().copied().collect();
        assert_eq!(recorded, tasks);
        assert_eq!(lines.messages(), ["ERROR change skipped", line]);
    }
}
