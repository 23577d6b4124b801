//! Work that takes longer than one request stops before the invocation ends and continues with the next request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    ports::{Comments, PortError, TaskCreation, TaskReads},
    task::{Task, TaskDraft},
    user::User,
};
use taskbell_test::{
    Faults, Faulty, MemoryStore, Side,
    contract::Store,
    fixtures::{comment, draft, space, task},
};
use taskbell_test_aws::Server;

use crate::support::{World, collaborator};

/// While set, the deletion of a space does not return.
#[derive(Default)]
struct Stuck(AtomicBool);

impl Faults for Stuck {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        if call == "purge_space" && side == Side::Before && self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Requests the deletion of space 1 in an invocation with this much time for it. Returns the status and the code.
async fn delete<S: Store>(
    world: &World<S>,
    ada: &User,
    own: &Task,
    time: SignedDuration,
) -> (u16, String) {
    let event = world.event("delete-space", ada, own).await.json.to_string();
    let answer = world.send_within(SignedDuration::from_secs(1) + time, "delete-space", &event).await;
    (answer.status, answer.code().to_owned())
}

/// Checks that no member sees space 1, to which the task belongs.
async fn check_hidden<S: Store>(world: &World<S>, ada: &User, of: &Task) {
    let query = format!("space={}", of.space);
    for (function, query, status) in [
        ("get-space", "", 404),
        ("list-members", "", 404),
        ("list-tasks", query.as_str(), 404),
        ("get-task", "", 404),
        ("update-task", "", 404),
        ("list-comments", "", 404),
        ("list-task-reminders", "", 404),
        ("list-tags", query.as_str(), 404),
        ("list-tasks", "assigned_to=me", 200),
        ("list-spaces", "", 200),
    ] {
        for who in [ada, &collaborator()] {
            let answer = world.send(&world.event(function, who, of).await.query(query)).await;
            assert_eq!(answer.status, status, "{function}: {}", answer.body);
            let seen = answer.body.to_string();
            assert!(!seen.contains(&of.space.to_string()), "{function}: {seen}");
        }
    }
}

fn ours(number: u64, ada: &User) -> Task {
    let ours = TaskDraft { assigned_to: Some(collaborator().id), ..draft("ours") };
    Task { space: space(1, ada).0.id, ..task(number, ada, ours) }
}

#[tokio::test]
async fn a_slow_deletion_of_a_space_continues_with_the_next_request() {
    let world = World::on(Faulty { store: MemoryStore::default(), faults: Stuck::default() });
    let (ada, own) = world.seed().await;
    let ours = ours(70, &ada);
    world.store.create(&ours, None, None).await.expect("no store error");
    world.store.faults.0.store(true, Ordering::SeqCst);
    let none = SignedDuration::ZERO;
    assert_eq!(delete(&world, &ada, &own, none).await, (409, "not_finished".to_owned()));
    assert!(
        world.store.task(ours.id).await.expect("no store error").is_some(),
        "the task still exists"
    );
    check_hidden(&world, &ada, &ours).await;
    world.store.faults.0.store(false, Ordering::SeqCst);
    assert_eq!(delete(&world, &ada, &own, none).await.0, 204);
    assert_eq!(world.store.task(ours.id).await.expect("no store error"), None);
    assert_eq!(delete(&world, &ada, &own, none).await.0, 404);
}

/// Counts the concurrent calls.
#[derive(Debug, Clone, Default)]
struct Gauge(Arc<[AtomicUsize; 2]>);

#[dyn_dispatch_hint]
impl Intercept for Gauge {
    fn name(&self) -> &'static str {
        "Gauge"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let [now, max] = &*self.0;
        max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0[0].fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Gauge {
    fn on(&self, client: &Client) -> Client {
        Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// The maximum of concurrent calls since the last reading. Read it while no call is active: cancelled calls are never
    /// counted as ended.
    fn max(&self) -> usize {
        self.0[0].store(0, Ordering::SeqCst);
        self.0[1].swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_space_with_2000_tasks_is_deleted_in_several_requests_with_few_concurrent_calls() {
    let (server, gauge) = (Server::start().await, Gauge::default());
    let world = World::on(server.store(gauge.on(&server.client())));
    let (ada, own) = world.seed().await;
    let tasks: Vec<_> = (0..2_000).map(|number| ours(1_000 + number, &ada)).collect();
    for some in tasks.chunks(20) {
        let each = some.iter().map(async |task| {
            world.store.create(task, None, None).await.expect("no store error");
        });
        futures_util::future::join_all(each).await;
    }
    for (number, task) in (1_000..).zip(tasks.iter().step_by(200)) {
        let comment = comment(number, task, &ada);
        world.store.add_comment(&comment, None).await.expect("no store error");
    }
    gauge.max();
    let mut unfinished = 0;
    loop {
        // The first time limit is too short on any machine; a later one is long enough on any machine.
        let time = SignedDuration::from_millis(10 << unfinished);
        let (status, code) = delete(&world, &ada, &own, time).await;
        // Counting the request is one more concurrent call.
        assert!((1..=9).contains(&gauge.max()));
        if status == 204 {
            break;
        }
        assert_eq!((status, code.as_str()), (409, "not_finished"));
        unfinished += 1;
        assert!(unfinished < 20, "the deletion makes no progress");
        if unfinished == 1 {
            check_hidden(&world, &ada, tasks.last().expect("a task")).await;
            gauge.max();
        }
    }
    assert!(unfinished > 0, "no batch was interrupted");
    for task in tasks.iter().step_by(200) {
        assert_eq!(world.store.task(task.id).await.expect("no store error"), None);
        assert_eq!(world.store.comments(task.id, None, 10).await.expect("a page").items, []);
    }
    assert_eq!(world.stored(own.id).await, own, "other spaces are untouched");
}

#[tokio::test]
async fn unassigning_the_tasks_of_a_leaving_member_makes_few_concurrent_calls() {
    let (server, gauge) = (Server::start().await, Gauge::default());
    let world = World::on(server.store(gauge.on(&server.client())));
    let (ada, own) = world.seed().await;
    for number in 0..150 {
        world.store.create(&ours(1_000 + number, &ada), None, None).await.expect("no store error");
    }
    gauge.max();
    let answer = world.send(&world.event("remove-member", &ada, &own).await).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert!((1..=9).contains(&gauge.max()));
    for number in [0, 75, 149] {
        assert_eq!(world.stored(ours(1_000 + number, &ada).id).await.assigned_to, None);
    }
    let left = world.event("list-members", &ada, &own).await;
    assert_eq!(world.send(&left).await.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_batch_operation_without_time_left_gets_not_finished() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("batch-tasks", &ada, &task).await;
    let body = json!({"operations": [{"op": "delete", "id": task.id}, {"op": "create", "task": {"title": "t"}}]});
    let event = event.body(&body).json.to_string();
    let answer = world.send_within(SignedDuration::from_secs(6), "batch-tasks", &event).await;
    for result in answer.body["results"].as_array().expect("results") {
        assert_eq!(
            (&result["status"], &result["problem"]["code"]),
            (&json!(409), &json!("not_finished"))
        );
    }
    assert_eq!(world.stored(task.id).await, task);
    let answer = world.send_within(SignedDuration::from_secs(7), "batch-tasks", &event).await;
    assert_eq!(answer.body["results"][0]["status"], 204);
}
