//! Tasks.

pub mod act;
pub mod batch_tasks;
pub mod complete_task;
pub mod create_task;
pub mod delete_task;
mod fields;
pub mod get_task;
pub mod list_task_occurrences;
pub mod list_task_reminders;
pub mod list_tasks;
pub mod reopen_task;
pub mod skip_task;
pub mod snooze_task;
pub mod update_task;
mod view;

use jiff::Timestamp;
use taskbell_domain::{
    clock::{At, Random},
    id::{NotificationId, SpaceId, TaskId, UserId},
    notification::{Notification, NotificationKind},
    policy::Action,
    ports::{
        AtomicExtras, IdempotencyRecord, Memberships, Quotas, RateLimits, TaskChanges, TimerQueue,
    },
    quota::Quota,
    rate_limit::{ASSIGNMENTS, RateLimitKey},
    statistics::Counters,
    task::{Task, TaskChange},
    violation::Violation,
};

use super::access::{require, role};
use crate::{
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Preconditions, Problem, enforce_limit},
    tokens::Identity,
    update::Update,
};

/// The task id in the path. An invalid id gets 404, like one that does not exist.
fn task_id(call: &Call) -> Result<TaskId, Problem> {
    call.path("task_id").parse().map_err(|_| Problem::not_found())
}

/// The task, if it exists and the caller may perform the action. 404 if the caller cannot see it.
async fn permitted(
    store: &impl Memberships,
    task: Option<Task>,
    caller: Identity,
    action: Action,
) -> Result<Task, Problem> {
    let task = task.ok_or_else(Problem::not_found)?;
    require(store, caller, task.space, action).await?;
    Ok(task)
}

/// Checks that the assignee is a member of the space, and enforces the limit of assignments, because each can send a
/// mail.
async fn check_assignee(
    store: &(impl Memberships + RateLimits),
    caller: Identity,
    space: SpaceId,
    assignee: Option<UserId>,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(user) = assignee.filter(|user| *user != caller.user) else { return Ok(()) };
    let counting = enforce_limit(store, ASSIGNMENTS, RateLimitKey::user(caller.user), 1, now);
    let (counted, role) = futures_util::join!(counting, role(store, user, space));
    counted?;
    if role?.is_some() {
        return Ok(());
    }
    let why = "It is not a member of the task's space.";
    Err(Violation::new("not_a_member", why).at("assigned_to").into())
}

/// Removes an inherited assignee from a new occurrence if the caller has reached the daily limit of assignments. An
/// inherited assignment uses the limit like a new one.
pub(crate) async fn limit_assignment(
    store: &impl RateLimits,
    next: &mut Task,
    by: UserId,
    now: Timestamp,
) {
    if next.assigned_to.is_some_and(|to| to != by)
        && enforce_limit(store, ASSIGNMENTS, RateLimitKey::user(by), 1, now).await.is_err()
    {
        next.assigned_to = None;
    }
}

/// Enforces the limit of reminders per space. The usage of the caller's personal space is given; that of a shared space
/// is read.
async fn admit_reminders(
    store: &impl Quotas,
    caller: Identity,
    task: &Task,
    more: usize,
    personal: Counters,
    quota: Quota,
) -> Result<(), Problem> {
    if more == 0 {
        return Ok(());
    }
    let numbers = match task.space == SpaceId::personal(caller.user) {
        true => personal,
        false => store.numbers(task.space).await?,
    };
    quota.admit_reminders(&numbers, more).map_err(Problem::refused)
}

/// The notification for a user to whom another user assigned the task.
fn assignment(
    task: &Task,
    before: Option<UserId>,
    by: UserId,
    now: Timestamp,
    random: &dyn Random,
) -> Option<Notification> {
    let to = task.assigned_to.filter(|to| *to != by && before != Some(*to))?;
    let id = NotificationId::generate(&At(now), random);
    Some(Notification::new(id, NotificationKind::Assignment { to, task: task.id, by }, now))
}

/// The context of a change of a task.
struct Changing<'a, S, Q> {
    store: &'a S,
    queue: &'a Q,
    /// The user who makes the change.
    by: UserId,
    now: Timestamp,
    random: &'a dyn Random,
    /// The preconditions of the request.
    preconditions: Preconditions,
    /// The idempotency record stored with the change.
    record: Option<&'a IdempotencyRecord>,
}

impl<S: TaskChanges + RateLimits, Q: TimerQueue> Changing<'_, S, Q> {
    /// Changes a task that was just read and that the caller may change. Stores the result on condition that the stored
    /// task is still the one read; otherwise it reads the task and tries again. `change` returns what it did. Fails if
    /// a version does not satisfy the preconditions. Enqueues timers that fire soon, including those of a new
    /// occurrence or notification.
    async fn apply(
        &self,
        task: Task,
        change: impl Fn(&mut Task) -> Result<TaskChange, Problem>,
    ) -> Result<Task, Problem> {
        let Self { store, queue, by, now, random, record, .. } = *self;
        let mut update = Update::of(Some(task));
        while let Some((mut task, expected)) = update.attempt()? {
            self.preconditions.check(task.version)?;
            let assignee = task.assigned_to;
            let TaskChange { changed, mut next } = change(&mut task)?;
            if !changed {
                return Ok(task);
            }
            if let Some(next) = &mut next {
                limit_assignment(store, next, by, now).await;
            }
            let notification = assignment(&task, assignee, by, now, random);
            let also =
                AtomicExtras { next: next.as_deref(), notification: notification.as_ref(), record };
            if update.is_stored(store.replace(&task, expected, also).await?) {
                let next = next.and_then(|next| next.timer());
                let notification = notification.and_then(|notification| notification.timer());
                enqueue_if_soon(queue, [task.timer(), next, notification], now).await;
                return Ok(task);
            }
        }
        Err(Problem::not_found())
    }
}
