//! Spaces and their members.

pub mod create_space;
pub mod delete_space;
pub mod get_space;
pub mod list_members;
pub mod list_spaces;
pub mod remove_member;
pub mod update_member;
pub mod update_space;

use serde_json::{Value, json};
use taskbell_domain::{
    id::{SpaceId, UserId},
    policy::{Action, known_role},
    ports::{SpaceChanges, SpaceReads},
    space::{MAX_SPACES, Member, Role, Space},
    user::User,
};

use crate::access::authorize;
use crate::http::{Call, Caller, Problem};

/// The user id in the path. `me` is the caller.
fn member_id(call: &Call<'_>, caller: Caller) -> Result<UserId, Problem> {
    match call.path("user_id") {
        "me" => Ok(caller.user),
        _ => call.path_id("user_id"),
    }
}

/// Refuses the caller's personal space.
///
/// # Errors
/// 409 `personal_space`.
fn refuse_personal(caller: Caller, id: SpaceId) -> Result<(), Problem> {
    if known_role(caller.user, id).is_none() {
        return Ok(());
    }
    let detail = "A personal space cannot be shared, renamed or deleted.";
    Err(Problem::conflict("personal_space", detail))
}

/// Refuses spaces that the caller's API token gives no access to, as if they did not exist.
///
/// # Errors
/// 404.
fn refuse_other(caller: Caller, id: SpaceId) -> Result<(), Problem> {
    caller.may_enter(id).then_some(()).ok_or_else(Problem::not_found)
}

/// A shared space and the caller's membership, if the role permits the action.
///
/// # Errors
/// 403, 404; 409 `personal_space` for the caller's personal space, which does not support these operations.
pub(super) async fn shared(
    store: &impl SpaceReads,
    caller: Caller,
    id: SpaceId,
    action: Action,
) -> Result<(Space, Member), Problem> {
    refuse_personal(caller, id)?;
    refuse_other(caller, id)?;
    let found = store.space_and_member(id, caller.user).await?;
    let (space, me) = found.filter(|(space, _)| !space.deleting).ok_or_else(Problem::not_found)?;
    authorize(Some(me.role), action)?;
    Ok((space, me))
}

/// Enforces the limit of spaces per user. Returns the version of the user's memberships, on which adding one is
/// conditional.
pub(super) async fn room_for_one(store: &impl SpaceChanges, user: UserId) -> Result<u64, Problem> {
    let memberships = store.memberships(user).await?;
    if memberships.spaces < MAX_SPACES {
        return Ok(memberships.version);
    }
    let detail = format!("You are in {MAX_SPACES} spaces, which is the limit.");
    Err(Problem::conflict("too_many_spaces", detail))
}

/// A space, as a member sees it.
pub(crate) fn space_view(space: &Space, role: Role) -> Value {
    json!({
        "id": space.id,
        "name": space.name,
        "personal": false,
        "role": role,
        "members": space.member_count,
        "created_at": space.created_at,
        "updated_at": space.updated_at,
    })
}

/// The personal space of a user.
pub(crate) fn personal_view(user: UserId) -> Value {
    let created_at = user.created_at();
    json!({
        "id": SpaceId::personal(user),
        "name": "Personal",
        "personal": true,
        "role": Role::Owner,
        "members": 1,
        "created_at": created_at,
        "updated_at": created_at,
    })
}

/// A member, as other members see them. Email addresses are not included.
pub(crate) fn member_view(member: &Member, user: &User) -> Value {
    json!({
        "user_id": member.user,
        "name": user.name,
        "role": member.role,
        "joined_at": member.joined_at,
    })
}
