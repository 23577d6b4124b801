//! Moves a task to another space.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    id::{SpaceId, UserId},
    policy::{self, Action},
    ports::{IdempotencyRecord, Moved, Replaced, TaskMove, TaskMoves, TimerQueue},
    quota::Quota,
    space::Role,
    task::Task,
};

use super::view;
use crate::{
    access::{authorize, role},
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Fields, Preconditions, Problem, Reply, read},
    update::Update,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "move-task",
    tag: Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks/{task_id}/move",
    operations: &[Operation {
        method: "POST",
        summary: "Move a task",
        description: "Moves a task to another space, with its comments, checklist, reminders and place in a series. The caller must be allowed to change tasks in both spaces. An assignee who is no member of the other space is removed. Moving a task to the space it is in changes nothing.",
        parameters: &["If-Match", "If-None-Match"],
        request: Some("MoveTaskRequest"),
        responses: &[(200, Body::Json("Task"))],
        errors: &["forbidden", "too_many_tasks", "too_many_reminders"],
    }],
};

/// Moves the task, and responds with it.
pub async fn handle(
    call: &Call<'_>,
    store: &impl TaskMoves,
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let target = fields.required("space", read::text(read::id));
    let target = fields.finish(target)?;
    let id = call.path_id("task_id")?;
    let preconditions = Preconditions::of(call)?;
    let (found, counters) = futures_util::try_join!(store.task(id), store.counters(target))?;
    let moving = Moving { call, store, queue, target, preconditions, record: None };
    let admit =
        |task: &Task| quota.admit_task(&counters, task.open_reminders()).map_err(Problem::refused);
    view::reply(StatusCode::OK, &moving.apply(found, admit).await?)
}

/// The context of a move of a task.
pub(super) struct Moving<'a, S, Q> {
    pub(super) call: &'a Call<'a>,
    pub(super) store: &'a S,
    pub(super) queue: &'a Q,
    /// The space that the task moves to.
    pub(super) target: SpaceId,
    /// The versions that the move applies to.
    pub(super) preconditions: Preconditions,
    /// The idempotency record stored with the move.
    pub(super) record: Option<&'a IdempotencyRecord>,
}

impl<S: TaskMoves, Q: TimerQueue> Moving<'_, S, Q> {
    /// Moves a task that was just read. `admit` checks the quota of the other space. After a conflict, and if a space or a
    /// member is not what it was when it was read, everything is read and checked again.
    ///
    /// # Errors
    /// 403, 404, 409 `busy`, 412, 429, those of `admit`.
    pub(super) async fn apply(
        &self,
        found: Option<Task>,
        admit: impl Fn(&Task) -> Result<(), Problem>,
    ) -> Result<Task, Problem> {
        let Self { call, store, queue, target, record, .. } = *self;
        let (caller, now) = (call.caller()?, call.now());
        let (mut update, mut is_admitted) = (Update::of(found), false);
        while let Some((task, expected)) = update.attempt()? {
            if !caller.may_enter(task.space) || !caller.may_enter(target) {
                return Err(Problem::not_found());
            }
            let assignee = async {
                match task.assigned_to {
                    Some(user) => role(store, user, target).await,
                    None => Ok(None),
                }
            };
            let (here, there, of_assignee) = futures_util::try_join!(
                role(store, caller.user, task.space),
                role(store, caller.user, target),
                assignee,
            )?;
            let here = authorize(here, Action::WriteTasks)?;
            let there = authorize(there, Action::WriteTasks)?;
            call.admit().await?;
            self.preconditions.check(task.version)?;
            let mut moved = task.clone();
            if !moved.move_to(target, of_assignee.is_some(), now) {
                return Ok(task);
            }
            if !is_admitted {
                admit(&task)?;
                is_admitted = true;
            }
            let mut members = vec![(task.space, caller.user, here), (target, caller.user, there)];
            members.extend(moved.assigned_to.zip(of_assignee).map(|(user, role)| (target, user, role)));
            let members = in_shared_spaces(members);
            let from = task.space;
            let step = TaskMove { task: &moved, expected, from, members: &members, record };
            let replaced = match store.move_task(step).await? {
                Moved::Stored => Replaced::Stored,
                Moved::Conflict(present) => Replaced::Conflict(present),
                Moved::Outdated => Replaced::Conflict(Some(Box::new(task))),
            };
            if update.is_stored(replaced) {
                enqueue_if_soon(queue, [moved.timer()], now).await;
                return Ok(moved);
            }
        }
        Err(Problem::not_found())
    }
}

/// The members of shared spaces, each once. The member of a personal space cannot change.
fn in_shared_spaces(mut members: Vec<(SpaceId, UserId, Role)>) -> Vec<(SpaceId, UserId, Role)> {
    members.retain(|(space, user, _)| policy::known_role(*user, *space).is_none());
    members.sort_unstable();
    members.dedup();
    members
}
