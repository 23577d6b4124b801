//! Tasks.

pub mod act;
pub mod batch_tasks;
mod change;
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
    clock::At,
    id::{NotificationId, SpaceId, TaskId, UserId},
    notification::{Notification, NotificationKind},
    policy::Action,
    ports::{Memberships, Quotas, RateLimits},
    quota::Quota,
    rate_limit::{ASSIGNMENTS, RateLimitKey},
    statistics::Counters,
    task::Task,
    violation::Violation,
};

use super::access::{require, role};
use crate::{
    http::{Call, Problem, enforce_limit},
    tokens::Identity,
};

/// The task id in the path. An invalid id gets 404, like one that does not exist.
fn task_id(call: &Call<'_>) -> Result<TaskId, Problem> {
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
    Err(Violation::new("not_a_member", why).for_field("assigned_to").into())
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
    let counters = match task.space == SpaceId::personal(caller.user) {
        true => personal,
        false => store.counters(task.space).await?,
    };
    quota.admit_reminders(&counters, more).map_err(Problem::refused)
}

/// The notification for a user to whom another user assigned the task.
fn assignment(
    call: &Call<'_>,
    task: &Task,
    before: Option<UserId>,
    by: UserId,
) -> Option<Notification> {
    let to = task.assigned_to.filter(|to| *to != by && before != Some(*to))?;
    let now = call.now();
    let id = NotificationId::generate(&At(now), call.random());
    Some(Notification::new(id, NotificationKind::Assignment { to, task: task.id, by }, now))
}
