//! Tasks.

pub mod batch_tasks;
mod change;
pub mod complete_task;
pub mod create_task;
pub mod delete_task;
mod fields;
pub mod get_task;
pub(crate) mod link_actions;
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
    call: &Call<'_>,
    store: &(impl Memberships + RateLimits),
    space: SpaceId,
    assignee: Option<UserId>,
) -> Result<(), Problem> {
    let caller = call.caller()?.user;
    let Some(user) = assignee.filter(|user| *user != caller) else { return Ok(()) };
    // A blocked caller must not use up the limit.
    call.admit().await?;
    let limit = enforce_limit(store, ASSIGNMENTS, RateLimitKey::user(caller), 1, call.now());
    let (limit, role) = futures_util::join!(limit, role(store, user, space));
    limit?;
    if role?.is_some() {
        return Ok(());
    }
    let why = "It is not a member of the task's space.";
    Err(Violation::new("not_a_member", why).for_field("assigned_to").into())
}

/// The decision whether a new occurrence keeps the assignee of the one before it. An inherited assignment uses the limit of
/// assignments like a new one, and once, however often a change is attempted.
#[derive(Default)]
pub(crate) struct InheritedAssignment(Option<bool>);

impl InheritedAssignment {
    /// Removes the assignee if the user has reached the limit.
    pub(crate) async fn limit(
        &mut self,
        store: &impl RateLimits,
        next: &mut Task,
        by: UserId,
        now: Timestamp,
    ) {
        if next.assigned_to.is_none_or(|to| to == by) {
            return;
        }
        let is_allowed = match self.0 {
            Some(is_allowed) => is_allowed,
            None => enforce_limit(store, ASSIGNMENTS, RateLimitKey::user(by), 1, now).await.is_ok(),
        };
        self.0 = Some(is_allowed);
        if !is_allowed {
            next.assigned_to = None;
        }
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
