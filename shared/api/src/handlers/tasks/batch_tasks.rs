//! Runs up to 100 operations. Those on the same task run in order, others concurrently.
//!
//! Six steps for 100 operations: the account and everything that operations read, in joined reads; the limit of operations;
//! and the writes, 25 at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    StreamExt,
    future::{try_join, try_join_all},
    stream,
};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use taskbell_domain::{
    api_token::ApiScope,
    id::{SpaceId, TaskId},
    policy::Action,
    ports::{IdempotencyRecord, RateLimits, TaskCreation, TaskMoves, TimerQueue},
    quota::Quota,
    rate_limit::{OPERATIONS, RateLimitKey},
    statistics::{Counter, Counters},
    task::{Task, TaskPatch},
    user::User,
    violation::Violation,
};

use super::{
    batch_operations::{BatchOperation, read_operation},
    change::{Changing, delete_task},
    create_task::Creation,
    move_task::Moving,
    permitted,
    view::TaskView,
};
use crate::{
    assignments::check_assignee,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::idempotency::Key,
    http::{
        Call, Errors, Fields, MAX_ERRORS, Params, Preconditions, Problem, Reply, enforce_limit,
        in_json, read,
    },
};

/// The maximum number of operations in a batch.
const MAX_OPERATIONS: usize = 100;

/// How many operations run concurrently. Each may need its own connection.
const AT_ONCE: usize = 25;

/// The maximum size of results, in bytes as encoded in Lambda's response. Beyond it, results omit their tasks. 100
/// problems with the maximum number of errors can follow, which keeps the response below 5 MB.
const FULL: usize = 3_000_000;

/// The maximum duration of one operation. An operation is not started with less time left.
const TIME_FOR_ONE: SignedDuration = SignedDuration::from_secs(6);

/// An operation of the request.
struct Requested {
    /// Its position in the request.
    index: usize,
    operation: Result<BatchOperation, Errors>,
    key: Option<Key>,
    /// The record of the same operation in an earlier request.
    used: Option<IdempotencyRecord>,
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
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/batch",
    operations: &[Operation {
        method: "POST",
        summary: "Run a batch of operations",
        description: "Runs up to 100 create, update, complete, move and delete operations. Those on the same task run in order. Each has its own result and status; a failure does not stop the others.",
        parameters: &["Idempotency-Key"],
        request: Some("BatchRequest"),
        responses: &[(200, Body::Json("BatchResponse"))],
        errors: &[],
    }],
};

/// Runs the operations. Each is independent: a failure does not stop the others. Responds 200 with one result
/// for each operation, whose status is that of the equivalent single request. With an `Idempotency-Key`, each write
/// also records its operation: a repeated batch, also after an interrupted one, does not run it again and returns the
/// recorded result. Once the response is large, results omit their tasks and set `task_omitted`. After 50 listed
/// errors, each further invalid operation lists only its first error, and counts the rest.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl TaskCreation + TaskMoves + RateLimits),
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
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    let count = operations.len();
    let keys: Vec<_> =
        (0..count).map(|index| key.as_ref().map(|key| key.of_operation(index))).collect();
    let operations: Vec<_> = operations.iter().map(read_operation).collect();
    let hashes = keys.iter().flatten().map(Key::hash).collect();
    let creation = Creation { call, store, queue, caller };
    let (batch, records) = try_join(Batch::prepare(creation, quota, &operations), async {
        Ok(store.records(caller.user, hashes, now).await?)
    })
    .await?;
    call.admit().await?;
    enforce_limit(store, OPERATIONS, RateLimitKey::user(caller.user), count, now).await?;

    let requested = operations.into_iter().zip(keys).enumerate().map(|(index, (operation, key))| {
        let hash = key.as_ref().map(Key::hash);
        let used = records.iter().find(|record| Some(&record.key_hash) == hash.as_ref()).cloned();
        Requested { index, operation, key, used }
    });
    let running = lanes(requested).into_iter().map(|lane| batch.run(lane));
    let done: Vec<_> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
    let done: BTreeMap<_, _> = done.into_iter().flatten().collect();
    let (mut results, mut bytes) = (Vec::with_capacity(count), 0);
    let mut errors_left = MAX_ERRORS;
    for result in done.into_values() {
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

/// The operations in lanes that can run concurrently: those on the same task are in one lane, in their order.
fn lanes(operations: impl Iterator<Item = Requested>) -> Vec<Vec<Requested>> {
    let (mut lanes, mut lane_of): (Vec<Vec<_>>, _) = (Vec::new(), BTreeMap::new());
    for requested in operations {
        let target = requested.operation.as_ref().ok().and_then(BatchOperation::target);
        let lane = target.map_or(lanes.len(), |id| *lane_of.entry(id).or_insert(lanes.len()));
        match lanes.get_mut(lane) {
            Some(lane) => lane.push(requested),
            None => lanes.push(vec![requested]),
        }
    }
    lanes
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
    counters: Mutex<BTreeMap<SpaceId, Counters>>,
    /// The tasks to update or move, as they were before the batch. Each is taken once.
    found: Mutex<BTreeMap<TaskId, Option<Task>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a, S: TaskCreation + TaskMoves + RateLimits, Q: TimerQueue> Batch<'a, S, Q> {
    /// Reads what the operations need, in joined reads: the profile, the tasks to update, and the quotas of the caller's
    /// space and of those in which tasks are created or to which they move.
    async fn prepare(
        creation: Creation<'a, S, Q>,
        quota: Quota,
        operations: &[Result<BatchOperation, Errors>],
    ) -> Result<Self, Problem> {
        let (store, user) = (creation.store, creation.caller.user);
        let mut spaces = BTreeSet::from([SpaceId::personal(user)]);
        let mut updated = BTreeSet::new();
        for operation in operations.iter().flatten() {
            match operation {
                BatchOperation::Create { space: Some(space), .. } => drop(spaces.insert(*space)),
                BatchOperation::Update { id, .. } => drop(updated.insert(*id)),
                BatchOperation::Move { id, space, .. } => {
                    updated.insert(*id);
                    spaces.insert(*space);
                }
                BatchOperation::Create { space: None, .. } | BatchOperation::Delete { .. } => {}
            }
        }
        let counters = spaces
            .into_iter()
            .map(async |space| store.counters(space).await.map(|counters| (space, counters)));
        let updated = updated.into_iter().map(async |id| store.task(id).await.map(|found| (id, found)));
        let (user, counters, found) =
            futures_util::try_join!(store.user(user), try_join_all(counters), try_join_all(updated))?;
        let user = user.ok_or_else(Problem::unauthorized)?;
        let counters = Mutex::new(counters.into_iter().collect());
        let found = Mutex::new(found.into_iter().collect());
        Ok(Self { creation, user, quota, counters, found })
    }

    /// Carries out operations one after the other. An operation that fails does not stop the others.
    async fn run(&self, lane: Vec<Requested>) -> Vec<(usize, Result<Done, Problem>)> {
        let call = self.creation.call;
        let mut done = Vec::with_capacity(lane.len());
        for requested in lane {
            let index = requested.index;
            let result = match call.now() < call.deadline() - TIME_FOR_ONE {
                true => self.carry_out(requested).await,
                false => Err(Problem::not_finished()),
            };
            done.push((index, result));
        }
        done
    }

    async fn carry_out(&self, requested: Requested) -> Result<Done, Problem> {
        let store = self.creation.store;
        let Requested { operation, key, used, .. } = requested;
        let key = key.as_ref();
        if let (Some(key), Some(used)) = (key, used) {
            let id = key.resource_id(&used)?;
            // The current task. `None` if it was deleted or the caller can no longer see it.
            let found = store.task(id).await?;
            let task = permitted(store, found, self.creation.caller, Action::ReadTasks).await.ok();
            let status = StatusCode::from_u16(used.status).map_err(|_| Problem::internal())?;
            return Ok(Done { status, id, task, replayed: true });
        }
        match operation.map_err(Problem::invalid)? {
            BatchOperation::Create { space, draft } => {
                let space = space.unwrap_or(self.creation.caller.default_space());
                let task = self.creation.build(space, *draft, &self.user)?;
                self.creation.check(&task).await?;
                self.admit(space, 1, task.reminders.len()).await?;
                let replay = Box::pin(self.creation.create(&task, key)).await?;
                let (replayed, task) = (replay.is_some(), replay.unwrap_or(task));
                Ok(Done { status: StatusCode::CREATED, id: task.id, task: Some(task), replayed })
            }
            BatchOperation::Update { id, patch, preconditions } => {
                let task = Box::pin(self.update(id, *patch, preconditions, key)).await?;
                Ok(Done { status: StatusCode::OK, id, task: Some(task), replayed: false })
            }
            BatchOperation::Move { id, space, preconditions } => {
                // Boxed: operations of different kinds share one future, and moving the largest costs more than allocating.
                let task = Box::pin(self.move_to_space(id, space, preconditions, key)).await?;
                Ok(Done { status: StatusCode::OK, id, task: Some(task), replayed: false })
            }
            BatchOperation::Delete { id, preconditions } => {
                Box::pin(self.delete(id, &preconditions, key)).await?;
                Ok(Done { status: StatusCode::NO_CONTENT, id, task: None, replayed: false })
            }
        }
    }

    /// Checks the quota of a space, and adds to its usage.
    async fn admit(&self, space: SpaceId, tasks: usize, reminders: usize) -> Result<(), Problem> {
        if !locked(&self.counters).contains_key(&space) {
            let counters = self.creation.store.counters(space).await?;
            // Another operation may have added to it meanwhile.
            locked(&self.counters).entry(space).or_insert(counters);
        }
        self.admit_known(space, tasks, reminders)
    }

    /// The same for a space whose usage was read.
    fn admit_known(&self, space: SpaceId, tasks: usize, reminders: usize) -> Result<(), Problem> {
        let mut all = locked(&self.counters);
        let counters = all.entry(space).or_default();
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

    /// The task to change: as it was read before the batch, or as it is now if the batch has changed it.
    async fn found(&self, id: TaskId) -> Result<Option<Task>, Problem> {
        let prepared = locked(&self.found).remove(&id);
        match prepared {
            Some(found) => Ok(found),
            None => Ok(self.creation.store.task(id).await?),
        }
    }

    async fn move_to_space(
        &self,
        id: TaskId,
        target: SpaceId,
        preconditions: Preconditions,
        key: Option<&Key>,
    ) -> Result<Task, Problem> {
        let Creation { call, store, queue, .. } = self.creation;
        let record = key.map(|key| key.record(&id, StatusCode::OK.as_u16()));
        let record = record.as_ref();
        let moving = Moving { call, store, queue, target, preconditions, record };
        // Its counters were read before the batch.
        let admit = |task: &Task| self.admit_known(target, 1, task.open_reminders());
        moving.apply(self.found(id).await?, admit).await
    }

    async fn update(
        &self,
        id: TaskId,
        patch: TaskPatch,
        preconditions: Preconditions,
        key: Option<&Key>,
    ) -> Result<Task, Problem> {
        let Creation { call, store, queue, caller } = self.creation;
        let (now, found) = (call.now(), self.found(id).await?);
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
        // A later operation on the task must find that it is gone.
        locked(&self.found).remove(&id);
        delete_task(call, store, id, preconditions, record.as_ref()).await
    }
}
