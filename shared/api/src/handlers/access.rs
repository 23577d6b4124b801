//! What the caller may do in a space. A personal space needs no read, a shared one needs one.

use taskbell_domain::{
    id::{SpaceId, UserId},
    policy::{self, Action},
    ports::{Memberships, PortError},
    space::{Role, Space},
    task::Task,
};

use crate::{http::Problem, tokens::Identity};

/// The role of a user in a space; nothing if they are no member, or there is no such space.
pub(crate) async fn role(
    store: &impl Memberships,
    user: UserId,
    space: SpaceId,
) -> Result<Option<Role>, PortError> {
    match policy::known_role(user, space) {
        Some(role) => Ok(Some(role)),
        None => store.role(space, user).await,
    }
}

/// Gives the caller's role, if it permits the action.
///
/// # Errors
/// 404 if the caller is no member, so that nobody can tell whether there is such a space; 403 if they are, and
/// may not do that.
pub(crate) async fn require(
    store: &impl Memberships,
    caller: Identity,
    space: SpaceId,
    action: Action,
) -> Result<Role, Problem> {
    authorize(role(store, caller.user, space).await?, action)
}

/// The same for a role that is known.
pub(crate) fn authorize(role: Option<Role>, action: Action) -> Result<Role, Problem> {
    let role = role.ok_or_else(Problem::not_found)?;
    policy::permits(role, action).then_some(role).ok_or_else(Problem::forbidden)
}

/// Drops what is assigned to a user in spaces that they have left a moment ago. Gives their shared spaces if it had to
/// read them: if one of the tasks is in such a space.
pub(crate) async fn retain_accessible(
    store: &impl Memberships,
    user: UserId,
    items: &mut Vec<Task>,
) -> Result<Vec<(Space, Role)>, PortError> {
    let own = |task: &Task| policy::known_role(user, task.space).is_some();
    if items.iter().all(own) {
        return Ok(Vec::new());
    }
    let spaces = store.spaces_of(user).await?;
    items.retain(|task| own(task) || spaces.iter().any(|(space, _)| space.id == task.space));
    Ok(spaces)
}
