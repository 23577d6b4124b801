//! Creates a task.

use http::{StatusCode, header};
use taskbell_domain::{
    api_token::ApiScope,
    id::{SpaceId, TaskId},
    policy::Action,
    ports::{IdempotencyRecord, RateLimits, TaskCreation, TimerQueue},
    quota::Quota,
    task::{Task, TaskDraft},
    user::User,
};

use super::{fields, permitted, view};
use crate::{
    access::require,
    assignments::{assignment, check_assignee},
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::idempotency::{Key, create_once, created, find_replay, replayed},
    http::{Call, Caller, Fields, Params, Problem, Reply, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks",
    operations: &[Operation {
        method: "POST",
        summary: "Create a task",
        description: "Creates a task in the caller's personal space, or in the space given by `space`. Without `reminders`, a task with a due time gets the caller's default reminders.",
        parameters: &["space", "Idempotency-Key"],
        request: Some("CreateTaskRequest"),
        responses: &[(201, Body::Json("Task"))],
        errors: &["not_found", "forbidden", "already_deleted", "too_many_tasks", "too_many_reminders"],
    }],
};

/// Responds 201 with the task. For an `Idempotency-Key` already used with the same body, responds 201 with the current
/// state of the existing task and `Idempotent-Replayed: true`.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl TaskCreation + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let space = params.optional("space", read::id).unwrap_or(caller.default_space());
    params.finish()?;
    let mut fields = Fields::of(call)?;
    let draft = fields::draft(&mut fields);
    let draft = fields.finish(draft)?;
    let sent = [space.to_string().into_bytes(), call.json()?.to_vec()];
    let key = Key::of(call, caller.user, &[&sent[0], &sent[1]], now)?;

    let creation = Creation { call, store, queue, caller };
    let (user, counters) = futures_util::try_join!(store.user(caller.user), store.counters(space))?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    let task = creation.build(space, draft, &user)?;
    let admitted = match creation.check(&task).await {
        Ok(()) => quota.admit_task(&counters, task.reminders.len()).map_err(Problem::refused),
        refused => refused,
    };
    let reply = |task: &Task| {
        view::reply(StatusCode::CREATED, task)?
            .with(header::LOCATION, &format!("/v1/tasks/{}", task.id))
    };
    if let Err(refusal) = admitted {
        // A request that has succeeded is answered again, even if it would be refused now.
        let find = async |id| creation.find(id).await;
        let before = find_replay(key.as_ref(), store, find).await?.ok_or(refusal)?;
        return replayed(reply(&before));
    }
    call.admit().await?;
    let replay = creation.create(&task, key.as_ref()).await?;
    created(replay, &task, reply)
}

/// The dependencies of creating a task.
pub(super) struct Creation<'a, S, Q> {
    pub(super) call: &'a Call<'a>,
    pub(super) store: &'a S,
    pub(super) queue: &'a Q,
    pub(super) caller: Caller,
}

impl<S: TaskCreation + RateLimits, Q: TimerQueue> Creation<'_, S, Q> {
    /// Builds the task from a draft.
    pub(super) fn build(&self, space: SpaceId, draft: TaskDraft, user: &User) -> Result<Task, Problem> {
        let call = self.call;
        let id = TaskId::generate(call.clock(), call.random());
        Ok(Task::create(id, space, draft, user, call.now(), call.random())?)
    }

    /// Checks that the caller may create the task in its space.
    pub(super) async fn check(&self, task: &Task) -> Result<(), Problem> {
        require(self.store, self.caller, task.space, Action::WriteTasks).await?;
        check_assignee(self.call, self.store, task.space, task.assigned_to).await
    }

    /// A task that was created before, as it is now. `None` if it was deleted or the caller can no longer see it.
    async fn find(&self, id: TaskId) -> Result<Option<Task>, Problem> {
        let found = self.store.task(id).await?;
        match permitted(self.store, found, self.caller, Action::ReadTasks).await {
            Ok(task) => Ok(Some(task)),
            Err(problem) => match problem.status() {
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(None),
                _ => Err(problem),
            },
        }
    }

    /// Stores the task, or returns the one that the same request created before.
    pub(super) async fn create(&self, task: &Task, key: Option<&Key>) -> Result<Option<Task>, Problem> {
        let now = self.call.now();
        let notification = assignment(self.call, task, None, self.caller.user);
        let store_new = async |record: Option<IdempotencyRecord>| {
            Ok(self.store.create(task, record.as_ref(), notification.as_ref()).await?)
        };
        let replay = create_once(key, task.id, store_new, async |id| self.find(id).await).await?;
        if replay.is_none() {
            let notification = notification.and_then(|notification| notification.timer());
            enqueue_if_soon(self.queue, [task.timer(), notification], now).await;
        }
        Ok(replay)
    }
}
