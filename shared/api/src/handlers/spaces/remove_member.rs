//! Removes a member from a space, or the caller (`me`).

use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    api_token::ApiScope,
    id::{SpaceId, UserId},
    membership::MemberChange,
    policy::{Action, permits_role},
    ports::{SpaceChanges, TaskChanges},
};

use super::{member_id, refuse_other, shared};
use crate::{
    assignments::unassign,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::before_deadline,
    http::{Call, Caller, Problem, Reply},
    update::Attempts,
};

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
    let taken = before_deadline(call, unassign(store, Some(id), user, (now, random))).await?;
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
