//! Assigning tasks to members of a space.

use futures_util::future::try_join_all;
use jiff::Timestamp;
use taskbell_domain::{
    clock::{At, Random},
    id::{NotificationId, SpaceId, TaskId, UserId},
    list::{PAGE_LIMITS, Scope, Sort, TaskFilter, TaskQuery},
    notification::{Notification, NotificationKind},
    ports::{AtomicExtras, Memberships, RateLimits, TaskChanges},
    rate_limit::{ASSIGNMENTS, RateLimitKey},
    task::{Task, TaskPatch},
    violation::Violation,
};

use crate::{
    access::role,
    http::{Call, Problem, enforce_limit},
    update::Update,
};

/// The number of tasks unassigned concurrently. Each call may need its own connection.
const AT_ONCE: usize = 8;

/// Checks that the assignee is a member of the space, and enforces the limit of assignments, because each can send a
/// mail.
pub(crate) async fn check_assignee(
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

/// Ends the assignments of a user, of open tasks in one space or in all. Returns how many tasks were assigned.
///
/// # Errors
/// Those of the store; 409 `busy`.
pub(crate) async fn unassign(
    store: &impl TaskChanges,
    space: Option<SpaceId>,
    user: UserId,
    (now, random): (Timestamp, &dyn Random),
) -> Result<usize, Problem> {
    let mut query = TaskQuery {
        scope: Scope::AssignedTo(user),
        filter: TaskFilter { space, open: true, ..TaskFilter::default() },
        sort: Sort::DEFAULT,
        limit: *PAGE_LIMITS.end(),
        after: None,
    };
    let mut taken = 0;
    loop {
        let page = store.list(&query).await?;
        taken += page.items.len();
        for some in page.items.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|task| take(store, task.id, user, now, random))).await?;
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(taken);
        }
    }
}

/// Unassigns a task, if it is still assigned to the user.
async fn take(
    store: &impl TaskChanges,
    task: TaskId,
    user: UserId,
    now: Timestamp,
    random: &dyn Random,
) -> Result<(), Problem> {
    let nobody = TaskPatch { assigned_to: Some(None), ..TaskPatch::default() };
    let mut update = Update::of(store.task(task).await?);
    while let Some((mut task, expected)) = update.attempt()? {
        if task.assigned_to != Some(user) {
            return Ok(());
        }
        task.apply(nobody.clone(), None, now, random)?;
        if update.is_stored(store.replace(&task, expected, AtomicExtras::default()).await?) {
            return Ok(());
        }
    }
    Ok(())
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

/// The notification for a user to whom another user assigned the task.
pub(crate) fn assignment(
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
