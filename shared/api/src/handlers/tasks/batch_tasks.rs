//! Runs up to 100 operations in order.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use taskbell_domain::{
    id::{SpaceId, TaskId},
    policy::Action,
    ports::{IdempotencyRecord, RateLimits, TaskChanges, TaskCreation, TimerQueue},
    quota::Quota,
    rate_limit::{OPERATIONS, RateLimitKey},
    statistics::{Counter, Counters},
    task::{Status, Task, TaskDraft, TaskPatch},
    user::User,
    violation::Violation,
};

use super::{
    change::{Changing, delete_task},
    create_task::Creation,
    fields, permitted,
    view::TaskView,
};
use crate::{
    assignments::check_assignee,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::idempotency::Key,
    http::{
        Call, Errors, Fields, MAX_ERRORS, Params, Preconditions, Problem, Reply, enforce_limit,
        in_json, read,
    },
};

/// The maximum number of operations in a batch.
const MAX_OPERATIONS: usize = 100;

/// The supported operations.
const OPERATION_NAMES: [&str; 4] = ["create", "update", "complete", "delete"];

/// The maximum size of results, in bytes as encoded in Lambda's response. Beyond it, results omit their tasks. 100
/// problems with the maximum number of errors can follow, which keeps the response below 5 MB.
const FULL: usize = 3_000_000;

/// The maximum duration of one operation. An operation is not started with less time left.
const TIME_FOR_ONE: SignedDuration = SignedDuration::from_secs(6);

/// An operation whose fields were checked.
enum BatchOperation {
    Create { space: Option<SpaceId>, draft: Box<TaskDraft> },
    Update { id: TaskId, patch: Box<TaskPatch>, preconditions: Preconditions },
    Delete { id: TaskId, preconditions: Preconditions },
}

/// The result of a successful operation.
struct Done {
    status: StatusCode,
    id: TaskId,
    task: Option<Task>,
    replayed: bool,
}

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "batch-tasks",
    tag: Tag::Tasks,
    access: Access::User,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/batch",
    operations: &[Operation {
        method: "POST",
        summary: "Run a batch of operations",
        description: "Runs up to 100 create, update, complete and delete operations in order. Each has its own result and status; a failure does not stop the others.",
        parameters: &["Idempotency-Key"],
        request: Some("BatchRequest"),
        responses: &[(200, Body::Json("BatchResponse"))],
        errors: &[],
    }],
};

/// Runs the operations in order. Each is independent: a failure does not stop the others. Responds 200 with one result
/// for each operation, whose status is that of the equivalent single request. With an `Idempotency-Key`, each write
/// also records its operation: a repeated batch, also after an interrupted one, does not run it again and returns the
/// recorded result. Once the response is large, results omit their tasks and set `task_omitted`. After 50 listed
/// errors, each further invalid operation lists only its first error, and counts the rest.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl TaskCreation + TaskChanges + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut body = Fields::of(call)?;
    let operations = body.required("operations", read::list(MAX_OPERATIONS, |value| Ok(value.clone())));
    let operations = body.finish(operations)?;
    if operations.is_empty() {
        return Err(Violation::new("too_short", "Give at least one operation.")
            .for_field("operations")
            .into());
    }
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    let keys: Vec<_> =
        (0..operations.len()).map(|index| key.as_ref().map(|key| key.of_operation(index))).collect();
    let hashes = keys.iter().flatten().map(Key::hash).collect();
    let records = store.records(caller.user, hashes, now).await?;

    call.admit().await?;
    enforce_limit(store, OPERATIONS, RateLimitKey::user(caller.user), operations.len(), now).await?;
    let creation = Creation { call, store, queue, caller };
    let mut batch = Batch { creation, user, quota, counters: BTreeMap::new() };
    let (mut results, mut bytes) = (Vec::with_capacity(operations.len()), 0);
    let mut errors_left = MAX_ERRORS;
    for (value, key) in operations.iter().zip(&keys) {
        let used = key.as_ref().and_then(|key| records.iter().find(|r| r.key_hash == key.hash()));
        let result = match call.now() < call.deadline() - TIME_FOR_ONE {
            true => batch.carry_out(value, key.as_ref(), used).await,
            false => Err(Problem::not_finished()),
        };
        let result = match result {
            Ok(done) => done.result(bytes > FULL),
            Err(mut problem) => {
                problem.errors.truncate(errors_left.max(1));
                errors_left = errors_left.saturating_sub(problem.errors.len());
                json!({
                    "status": problem.status().as_u16(),
                    "problem": problem.value(call.request_id()),
                })
            }
        };
        let result = to_raw_value(&result).map_err(|_| Problem::internal())?;
        bytes += in_json(result.get());
        results.push(result);
    }
    Reply::json(StatusCode::OK, &Results { results })
}

#[derive(Serialize)]
struct Results {
    results: Vec<Box<RawValue>>,
}

impl Done {
    /// The result in the response, without the task if there is no room for it.
    fn result(&self, full: bool) -> Value {
        let Self { status, id, task, replayed } = self;
        let status = status.as_u16();
        match task {
            Some(_) if full => {
                json!({ "status": status, "id": id, "task_omitted": true, "replayed": replayed })
            }
            task => {
                let task = task.as_ref().map(TaskView::from);
                json!({ "status": status, "id": id, "task": task, "replayed": replayed })
            }
        }
    }
}

struct Batch<'a, S, Q> {
    creation: Creation<'a, S, Q>,
    user: User,
    quota: Quota,
    /// The quotas of spaces used by operations, with what the batch has added.
    counters: BTreeMap<SpaceId, Counters>,
}

impl<S: TaskCreation + TaskChanges + RateLimits, Q: TimerQueue> Batch<'_, S, Q> {
    async fn carry_out(
        &mut self,
        value: &Value,
        key: Option<&Key>,
        used: Option<&IdempotencyRecord>,
    ) -> Result<Done, Problem> {
        let store = self.creation.store;
        if let (Some(key), Some(used)) = (key, used) {
            let id = key.resource_id(used)?;
            // The current task. `None` if it was deleted or the caller can no longer see it.
            let found = store.task(id).await?;
            let task = permitted(store, found, self.creation.caller, Action::ReadTasks).await.ok();
            let status = StatusCode::from_u16(used.status).map_err(|_| Problem::internal())?;
            return Ok(Done { status, id, task, replayed: true });
        }
        match read_operation(value).map_err(Problem::invalid)? {
            BatchOperation::Create { space, draft } => {
                let space = space.unwrap_or(SpaceId::personal(self.user.id));
                let task = self.creation.build(space, *draft, &self.user)?;
                self.creation.check(&task).await?;
                self.admit(space, 1, task.reminders.len()).await?;
                let replay = self.creation.create(&task, key).await?;
                let (replayed, task) = (replay.is_some(), replay.unwrap_or(task));
                Ok(Done { status: StatusCode::CREATED, id: task.id, task: Some(task), replayed })
            }
            BatchOperation::Update { id, patch, preconditions } => {
                let task = self.update(id, *patch, preconditions, key).await?;
                Ok(Done { status: StatusCode::OK, id, task: Some(task), replayed: false })
            }
            BatchOperation::Delete { id, preconditions } => {
                self.delete(id, &preconditions, key).await?;
                Ok(Done { status: StatusCode::NO_CONTENT, id, task: None, replayed: false })
            }
        }
    }

    /// Checks the quota of a space, and adds to its usage.
    async fn admit(&mut self, space: SpaceId, tasks: usize, reminders: usize) -> Result<(), Problem> {
        if !self.counters.contains_key(&space) {
            let counters = self.creation.store.counters(space).await?;
            self.counters.insert(space, counters);
        }
        let counters = self.counters.entry(space).or_default();
        match tasks {
            0 => self.quota.admit_reminders(counters, reminders),
            _ => self.quota.admit_task(counters, reminders),
        }
        .map_err(Problem::refused)?;
        for (number, more) in [(Counter::All, tasks), (Counter::Reminders, reminders)] {
            *counters.entry(number).or_default() += i64::try_from(more).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    async fn update(
        &mut self,
        id: TaskId,
        patch: TaskPatch,
        preconditions: Preconditions,
        key: Option<&Key>,
    ) -> Result<Task, Problem> {
        let Creation { call, store, queue, caller } = self.creation;
        let (now, found) = (call.now(), store.task(id).await?);
        let task = permitted(store, found, caller, Action::WriteTasks).await?;
        check_assignee(call, store, task.space, patch.assigned_to.flatten()).await?;
        let more = patch.more_reminders(&task, Some(&self.user));
        if more > 0 {
            self.admit(task.space, 0, more).await?;
        }
        let record = key.map(|key| key.record(&id, StatusCode::OK.as_u16()));
        let record = record.as_ref();
        let changing = Changing { call, store, queue, by: caller.user, preconditions, record };
        let random = call.random();
        changing.apply(task, |task| Ok(task.apply(patch.clone(), Some(&self.user), now, random)?)).await
    }

    async fn delete(
        &self,
        id: TaskId,
        preconditions: &Preconditions,
        key: Option<&Key>,
    ) -> Result<(), Problem> {
        let Creation { call, store, .. } = self.creation;
        let record = key.map(|key| key.record(&id, StatusCode::NO_CONTENT.as_u16()));
        delete_task(call, store, id, preconditions, record.as_ref()).await
    }
}

fn read_operation(value: &Value) -> Result<BatchOperation, Errors> {
    let op = value.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = Fields::inside(value, |fields| {
        fields.required("op", read::text(known));
        if op == "create" {
            let space = fields.optional("space", read::text(read::id));
            let draft = fields.required("task", |task| Fields::inside(task, fields::draft));
            return draft.map(|draft| BatchOperation::Create { space, draft: Box::new(draft) });
        }
        let id = fields.required("id", read::text(read::id));
        let preconditions = Preconditions::version(fields.optional("version", read::whole_number));
        match op.as_str() {
            "update" => {
                let patch = fields.required("task", |task| {
                    Fields::inside(task, |fields| Some(fields::patch(fields)))
                });
                let (id, patch) = id.zip(patch)?;
                Some(BatchOperation::Update { id, patch: Box::new(patch), preconditions })
            }
            "complete" => {
                let done = TaskPatch::status(Status::Completed);
                Some(BatchOperation::Update { id: id?, patch: Box::new(done), preconditions })
            }
            _ => Some(BatchOperation::Delete { id: id?, preconditions }),
        }
    });
    // Fields at the top level of an operation have no leading dot, and an operation that is no object has no field.
    read.map_err(|errors| {
        errors.map(|field| match field.trim_start_matches('.') {
            "" => "operation".to_owned(),
            field => field.to_owned(),
        })
    })
}

fn known(op: &str) -> Result<(), Violation> {
    let why = || format!("It must be one of {}.", OPERATION_NAMES.join(", "));
    let known = OPERATION_NAMES.contains(&op);
    known.then_some(()).ok_or_else(|| Violation::new("unknown_value", why()))
}
