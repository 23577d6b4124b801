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

/// The task id in the path. What is no id is treated as one that does not exist.
fn task_id(call: &Call) -> Result<TaskId, Problem> {
    call.path("task_id").parse().map_err(|_| Problem::not_found())
}

/// The task, if it is there and the caller may do that with it. To somebody who may not even see it, it is
/// not there.
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

/// Refuses somebody to do a task who is no member of its space, and assignments without end, as each can be a mail.
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
    let why = "It is not the id of a member of the task's space.";
    Err(Violation::new("not_a_member", why).at("assigned_to").into())
}

/// Lets an occurrence that a series has made go to nobody in particular, if whoever causes that has assigned as much as
/// a day allows: an assignment that is inherited counts as one that is made.
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

/// Refuses more reminders than a space has room for. The numbers of the caller's personal space are known; those of
/// another one are read.
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

/// The news for somebody to whom another one has just assigned a task.
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

/// What a change of a task works with.
struct Changing<'a, S, Q> {
    store: &'a S,
    queue: &'a Q,
    /// Who changes it.
    by: UserId,
    now: Timestamp,
    random: &'a dyn Random,
    /// Which version it is meant for.
    preconditions: Preconditions,
    /// What is recorded with it, for an idempotency key.
    record: Option<&'a IdempotencyRecord>,
}

impl<S: TaskChanges + RateLimits, Q: TimerQueue> Changing<'_, S, Q> {
    /// Changes a task that was just read, and that the caller may change: applies the change, stores the result on condition that the task is
    /// still the one read, and tries again on the present one if it is not. `change` says what it did. A
    /// version that it is not meant for ends it. Timers that are near are queued, those of an occurrence or a
    /// notification that the change has made included.
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
