//! Assigning tasks to members of a space.

use jiff::Timestamp;
use taskbell_domain::{
    clock::At,
    id::{NotificationId, SpaceId, UserId},
    notification::{Notification, NotificationKind},
    ports::{Memberships, RateLimits},
    rate_limit::{ASSIGNMENTS, RateLimitKey},
    task::Task,
    violation::Violation,
};

use crate::{
    access::role,
    http::{Call, Problem, enforce_limit},
};

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
