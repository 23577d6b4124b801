//! Recurring tasks and automatic completion, over HTTP and through the worker.

use futures_util::future::join_all;
use serde_json::json;
use taskbell_domain::{
    ports::TaskReads,
    task::Status,
    timer::{Timer, TimerTarget},
};
use taskbell_test::{Outbox, fixtures::instant};
use taskbell_test_aws::Server;

use crate::support::{Answer, World};

const WEEKLY: &str = "FREQ=WEEKLY;COUNT=3";

/// Creates a weekly task over HTTP.
async fn weekly<S: taskbell_test::contract::Store>(world: &World<S>) -> Answer {
    let ada = world.register(1).await;
    let any = taskbell_test::fixtures::task(1, &ada, taskbell_test::fixtures::draft("any"));
    let event = world.event("create-task", &ada, &any).await.without_header("idempotency-key");
    let body = json!({
        "title": "Wind the clock", "due": "2026-03-02T09:00[Europe/Berlin]", "recurrence": WEEKLY,
        "reminders": [{"before": "PT1H"}],
    });
    let made = world.send(&event.body(&body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made
}

impl<S: taskbell_test::contract::Store> World<S> {
    /// Sends the event of a function for a task of user 1.
    pub(crate) async fn on_task(&self, function: &str, id: &serde_json::Value) -> Answer {
        let ada = taskbell_test::fixtures::user(1);
        let any = taskbell_test::fixtures::task(1, &ada, taskbell_test::fixtures::draft("any"));
        let event = self.event(function, &ada, &any).await;
        self.send(&event.path("task_id", id.as_str().expect("an id"))).await
    }
}

#[tokio::test]
async fn completing_creates_the_next_occurrence_until_count_is_reached() {
    let world = World::on(taskbell_test::MemoryStore::default());
    let first = weekly(&world).await.body;
    assert_eq!(
        [
            &first["recurrence"],
            &first["recurrence_from"],
            &first["occurrence"],
            &first["next_occurrence"]
        ],
        [&json!(WEEKLY), &json!("due"), &json!(1), &json!(null)]
    );
    let done = world.on_task("complete-task", &first["id"]).await.body;
    let again = world.on_task("complete-task", &first["id"]).await.body;
    assert_eq!(done, again);
    let second = world.on_task("get-task", &done["next_occurrence"]).await.body;
    assert_eq!(
        [&second["due"], &second["occurrence"], &second["status"], &second["reminders"][0]["fire_at"]],
        [
            &json!("2026-03-09T09:00:00[Europe/Berlin]"),
            &json!(2),
            &json!("pending"),
            &json!("2026-03-09T07:00:00Z")
        ]
    );
    let third = world.on_task("complete-task", &second["id"]).await.body["next_occurrence"].clone();
    let end = world.on_task("complete-task", &third).await.body;
    assert_eq!([&end["occurrence"], &end["next_occurrence"]], [&json!(3), &json!(null)]);
}

#[tokio::test]
async fn concurrent_completions_create_one_occurrence() {
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let first = weekly(&world).await.body;
    let answers = join_all((0..8).map(|_| world.on_task("complete-task", &first["id"]))).await;
    for answer in &answers {
        assert!(
            answer.status == 200 || answer.code() == "busy" || answer.status == 503,
            "{}",
            answer.body
        );
    }
    let done = world.on_task("complete-task", &first["id"]).await.body;
    assert!(done["next_occurrence"].is_string(), "{done}");
    let ada = taskbell_test::fixtures::user(1);
    let query = taskbell_domain::list::TaskQuery {
        scope: taskbell_domain::list::Scope::Space(taskbell_domain::id::SpaceId::personal(ada.id)),
        filter: Default::default(),
        sort: taskbell_domain::list::Sort::DEFAULT,
        limit: 100,
        after: None,
    };
    let tasks = world.store.list(&query).await.expect("a page").items;
    let open: Vec<_> = tasks.iter().filter(|task| task.status != Status::Completed).collect();
    assert_eq!((tasks.len(), open.len()), (2, 1));
    assert_eq!(json!(open[0].id), done["next_occurrence"]);
}

#[tokio::test]
async fn skipping_and_rescheduling_keep_the_rule() {
    let world = World::on(taskbell_test::MemoryStore::default());
    let first = weekly(&world).await.body;
    let skipped = world.on_task("skip-task", &first["id"]).await.body;
    assert_eq!(
        [&skipped["id"], &skipped["due"], &skipped["occurrence"]],
        [&first["id"], &json!("2026-03-09T09:00:00[Europe/Berlin]"), &json!(2)]
    );
    let preview = world.on_task("list-task-occurrences", &first["id"]).await.body;
    let last = json!({"occurrence": 3, "due": "2026-03-16T09:00:00[Europe/Berlin]", "due_at": "2026-03-16T08:00:00Z"});
    assert_eq!(preview["items"], json!([last]));
    world.on_task("skip-task", &first["id"]).await;
    let ended = world.on_task("skip-task", &first["id"]).await;
    assert_eq!((ended.status, ended.code()), (409, "series_ended"));
    let (other, ada, task) = World::seeded().await;
    let single = other.send(&other.event("skip-task", &ada, &task).await).await;
    assert_eq!((single.status, single.code()), (409, "not_recurring"));
}

#[tokio::test]
async fn an_invalid_recurrence_rule_is_reported_with_its_field() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    for (body, field, code) in [
        (
            json!({"title": "t", "due": "2026-03-02", "recurrence": "weekly"}),
            "recurrence",
            "invalid_recurrence",
        ),
        (json!({"title": "t", "recurrence": "FREQ=DAILY"}), "recurrence", "needs_due"),
        (json!({"title": "t", "recurrence_from": "due"}), "recurrence_from", "needs_recurrence"),
        (
            json!({"title": "t", "due": "2026-03-02", "recurrence": "FREQ=DAILY", "status": "completed"}),
            "recurrence",
            "needs_open",
        ),
        (json!({"title": "t", "auto_complete_after": "P2Y"}), "auto_complete_after", "out_of_range"),
    ] {
        let answer = world.send(&event.clone().body(&body)).await;
        assert_eq!(
            (answer.status, answer.errors().as_slice()),
            (422, [(field, code)].as_slice()),
            "{body}"
        );
    }
    let limits = world.event("list-task-occurrences", &ada, &task).await;
    let refused = world.send(&limits.query("limit=101&page=2")).await;
    assert_eq!(refused.errors(), [("limit", "out_of_range"), ("page", "unknown_parameter")]);
}

#[tokio::test]
async fn an_automatic_completion_is_recorded_in_the_delivery_log() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await.without_header("idempotency-key");
    let body = json!({
        "title": "Short", "due": "2026-03-01T20:00:00Z",
        "auto_complete_after": "PT2M",
    });
    let made = world.send(&event.body(&body)).await.body;
    assert_eq!(made["auto_complete_at"], "2026-03-01T08:02:00Z");
    let task_id = made["id"].as_str().expect("an id").parse().expect("an id");
    let timer = Timer { at: instant("2026-03-01T08:02:00Z"), target: TimerTarget::Task(task_id) };
    assert_eq!(world.queue.take(), [timer], "it is within the dispatch horizon");
    let log = world.on_task("list-task-reminders", &made["id"]).await.body;
    let waiting = json!({
        "kind": "auto_completion", "after": "PT2M", "fire_at": "2026-03-01T08:02:00Z",
        "status": "scheduled", "reason": null,
    });
    assert_eq!((&log["items"][0]["kind"], &log["items"][1]), (&json!("reminder"), &waiting));

    let outbox = Outbox::default();
    world.handle(&outbox, timer).await.expect("it is requeued until its time");
    assert_eq!(world.queue.take(), [timer]);
    world.clock.set(timer.at);
    for _ in 0..2 {
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    let done = world.on_task("get-task", &made["id"]).await.body;
    assert_eq!(
        [&done["status"], &done["completed_by"], &done["completed_at"]],
        [&json!("completed"), &json!("timer"), &json!("2026-03-01T08:02:00Z")]
    );
    let log = world.on_task("list-task-reminders", &made["id"]).await.body;
    assert_eq!(log["items"][0]["reason"], "task_completed");
    assert_eq!(log["items"][1]["status"], "done");
    assert_eq!(outbox.sent().len(), 0);
}
