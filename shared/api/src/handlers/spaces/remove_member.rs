//! Removes a member from a space, or the caller (`me`).

use futures_util::future::try_join_all;
use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    api_token::ApiScope,
    clock::Random,
    id::{SpaceId, TaskId, UserId},
    list::{PAGE_LIMITS, Scope, Sort, TaskFilter, TaskQuery},
    membership::MemberChange,
    policy::{Action, permits_role},
    ports::{AtomicExtras, SpaceChanges, TaskChanges},
    task::TaskPatch,
};

use super::{member_id, refuse_other, shared};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::before_deadline,
    http::{Call, Caller, Problem, Reply},
    update::{Attempts, Update},
};

/// The number of tasks unassigned concurrently. Each call may need its own connection.
const AT_ONCE: usize = 8;

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "remove-member",
    tag: Tag::Members,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/members/{user_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Remove a member",
        description: "Removes a member from a shared space; with `me` the caller leaves it. Their assignments in the space end. Very many assignments take several requests: repeat the request while the response is 409 `not_finished`.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden", "personal_space", "last_owner", "not_finished", "busy"],
    }],
};

/// Responds 204. The first write ends the member's access to the space and their reminders from it. Their open tasks
/// there are unassigned afterwards. If the user is no longer a member, only the tasks are unassigned, so a repeated
/// request continues an interrupted one.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SpaceChanges + TaskChanges),
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    let (id, user) = (call.path_id("space_id")?, member_id(call, caller)?);
    refuse_other(caller, id)?;
    call.admit().await?;
    let removed = remove(store, caller, id, user, now).await;
    // A former member can finish an interrupted removal: it concerns only their own tasks.
    let left = matches!(&removed, Err(problem) if problem.status() == StatusCode::NOT_FOUND);
    let left = left && user == caller.user;
    if !left {
        removed?;
    }
    let taken = before_deadline(call, unassign(store, id, user, now, random)).await?;
    if left && taken == 0 {
        return Err(Problem::not_found());
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn remove(
    store: &impl SpaceChanges,
    caller: Caller,
    id: SpaceId,
    user: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let leaves = user == caller.user;
        let needed = if leaves { Action::ReadSpace } else { Action::ManageMembers };
        let (mut space, me) = shared(store, caller, id, needed).await?;
        let Some((_, member)) = store.space_and_member(id, user).await? else { return Ok(()) };
        if !leaves && !permits_role(me.role, Some(member.role), None) {
            return Err(Problem::forbidden());
        }
        let (read, change) = (space.version, MemberChange::Leave(member));
        space.apply(&change, now).map_err(Problem::refused)?;
        if store.change_member(&space, read, &change).await? {
            return Ok(());
        }
    }
}

async fn unassign(
    store: &impl TaskChanges,
    space: SpaceId,
    user: UserId,
    now: Timestamp,
    random: &dyn Random,
) -> Result<usize, Problem> {
    let mut query = TaskQuery {
        scope: Scope::AssignedTo(user),
        filter: TaskFilter { space: Some(space), open: true, ..TaskFilter::default() },
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
