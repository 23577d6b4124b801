//! Batches: each operation has its own result and is executed once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use taskbell_domain::{
    list::{Scope, Sort, TaskFilter, TaskQuery},
    ports::TaskReads,
    task::Task,
    user::User,
};
use taskbell_test::fixtures::draft;
use taskbell_test_aws::Server;

use crate::{
    meter::Meter,
    support::{Answer, Event, World, collaborator},
};

impl<S: taskbell_test::contract::Store> World<S> {
    async fn batch(&self, by: &User, task: &Task, key: &str, operations: &Value) -> Answer {
        self.send(&self.batch_event(by, task, key, operations).await).await
    }

    async fn batch_event(&self, by: &User, task: &Task, key: &str, operations: &Value) -> Event {
        let event = self.event("batch-tasks", by, task).await.without_header("idempotency-key");
        let event = if key.is_empty() { event } else { event.header("idempotency-key", key) };
        event.body(&json!({ "operations": operations }))
    }
}

fn statuses(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.body["results"].as_array().expect("results");
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[tokio::test]
async fn each_operation_of_a_batch_has_its_own_status() {
    let (world, ada, task) = World::seeded().await;
    let theirs = world.create(5, &collaborator(), draft("not yours")).await;
    let answer = world
        .batch(
            &ada,
            &task,
            "",
            &json!([
                {"op": "create", "task": {"title": "New", "due": "2026-03-05"}},
                {"op": "create", "task": {"title": "", "colour": 1}, "at": "x"},
                {"op": "update", "id": task.id, "task": {"title": "Else"}, "version": 1},
                {"op": "update", "id": task.id, "task": {"title": "Stale"}, "version": 1},
                {"op": "complete", "id": task.id},
                {"op": "update", "id": theirs.id, "task": {"title": "Mine"}},
                {"op": "delete", "id": task.id},
                {"op": "delete", "id": task.id},
                {"op": "explode"},
                7,
            ]),
        )
        .await;
    assert_eq!(statuses(&answer), [201, 422, 200, 412, 200, 404, 204, 404, 422, 422]);
    let results = &answer.body["results"];
    assert_eq!(results[0]["task"]["reminders"][0]["before"], "PT30M", "with the user's defaults");
    let fields = |result: &Value| -> Vec<String> {
        let errors = result["problem"]["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["field"].as_str().expect("a field").to_owned()).collect()
    };
    assert_eq!(fields(&results[1]), ["task.title", "task.colour", "at"]);
    assert_eq!(results[4]["task"]["status"], "completed");
    assert_eq!(fields(&results[8])[0], "op");
    assert_eq!(world.stored(theirs.id).await, theirs);
}

#[tokio::test]
async fn a_replayed_batch_changes_nothing_and_returns_the_same_results() {
    let (world, ada, task) = World::seeded().await;
    let operations = json!([
        {"op": "create", "task": {"title": "One"}},
        {"op": "create", "task": {"title": "Two"}},
        {"op": "update", "id": task.id, "task": {"title": "Once"}},
        {"op": "delete", "id": task.id},
    ]);
    let first = world.batch(&ada, &task, "k-1", &operations).await;
    let again = world.batch(&ada, &task, "k-1", &operations).await;
    assert_eq!(statuses(&first), [201, 201, 200, 204]);
    assert_eq!(statuses(&again), [201, 201, 200, 204]);
    for index in [0, 1] {
        assert_eq!(first.body["results"][index]["task"], again.body["results"][index]["task"]);
    }
    let replayed = |answer: &Answer| {
        answer.body["results"].as_array().expect("results").iter().all(|r| r["replayed"] == true)
    };
    assert_eq!((replayed(&first), replayed(&again)), (false, true));
    let other =
        world.batch(&ada, &task, "k-1", &json!([{"op": "create", "task": {"title": "Three"}}])).await;
    assert_eq!(other.body["results"][0]["problem"]["code"], "idempotency_key_reused");
}

/// On DynamoDB the first of two equal batches is interrupted at varying points; the second completes it.
#[tokio::test]
async fn repeating_an_interrupted_batch_completes_it() {
    let mut unfinished = 0;
    for polls in 0..12 {
        let server = Server::start().await;
        let world = World::on(server.store(server.client()));
        let ada = world.register(100 + polls).await;
        let task = world.create(100 + polls, &ada, draft("t")).await;
        let all = json!([
            {"op": "create", "task": {"title": "One"}},
            {"op": "complete", "id": task.id},
            {"op": "create", "task": {"title": "Two"}},
        ]);
        let wait = std::time::Duration::from_millis(polls);
        let cut = tokio::time::timeout(wait, world.batch(&ada, &task, "k", &all)).await;
        unfinished += u32::from(cut.is_err());
        let second = world.batch(&ada, &task, "k", &all).await;
        // Operations of the first that are still in progress get a conflict in the second.
        let third = world.batch(&ada, &task, "k", &all).await;
        assert_eq!(statuses(&third), [201, 200, 201], "{} {}", second.body, third.body);
        let query = TaskQuery {
            scope: Scope::Space(task.space),
            filter: TaskFilter::default(),
            sort: Sort::DEFAULT,
            limit: 100,
            after: None,
        };
        assert_eq!(world.store.list(&query).await.expect("a page").items.len(), 3);
    }
    assert!(unfinished > 0, "no batch was interrupted");
}

/// On DynamoDB.
#[tokio::test]
async fn operations_on_one_task_run_in_order_and_a_hundred_operations_take_six_steps() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    let tasks: Vec<_> = join_all((1..=30).map(|number| world.create(number, &ada, draft("t")))).await;
    let in_order: Vec<_> = (0..100)
        .map(|number| {
            let (round, id) = (number / 30, tasks[number % 30].id);
            json!({"op": "update", "id": id, "version": round + 1, "task": {"title": format!("{number}")}})
        })
        .collect();
    let answer = world.batch(&ada, &tasks[0], "", &json!(in_order)).await;
    assert_eq!(statuses(&answer), [200; 100], "each finds the version that the one before has left");
    for (number, task) in tasks.iter().enumerate() {
        let last = (0..4).map(|round| round * 30 + number).rfind(|number| *number < 100);
        assert_eq!(world.stored(task.id).await.title.as_str(), last.expect("one").to_string());
    }

    let more: Vec<_> = join_all((1..=50).map(|n| world.create(100 + n, &ada, draft("t")))).await;
    let creating = (0..50).map(|_| json!({"op": "create", "task": {"title": "New"}}));
    let completing = more.iter().map(|task| json!({"op": "complete", "id": task.id}));
    let hundred: Vec<_> = creating.chain(completing).collect();
    for (key, operations) in [("", &hundred[..]), ("k", &hundred[..50])] {
        let event = world.batch_event(&ada, &tasks[0], key, &json!(operations)).await;
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(statuses(&answer).iter().all(|status| [200, 201].contains(status)));
        assert!(cost.steps <= 6, "{cost:?}");
    }
}

#[tokio::test]
async fn a_batch_has_one_to_a_hundred_operations() {
    let (world, ada, task) = World::seeded().await;
    for (operations, code) in [
        (json!([]), "too_short"),
        (json!("all"), "wrong_type"),
        (Value::Null, "required"),
        (json!(vec![json!({"op": "delete", "id": task.id}); 101]), "too_many"),
    ] {
        let refused = world.batch(&ada, &task, "", &operations).await;
        assert_eq!(refused.errors(), [("operations", code)]);
    }
    let many: Vec<_> =
        (0..100).map(|n| json!({"op": "create", "task": {"title": format!("{n}")}})).collect();
    let made = world.batch(&ada, &task, "k", &json!(many)).await;
    assert_eq!(statuses(&made), [201; 100]);
}
