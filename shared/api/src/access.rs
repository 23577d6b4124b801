//! Authorization in spaces. A personal space needs no read, a shared space needs one.

use taskbell_domain::{
    id::{SpaceId, UserId},
    policy::{self, Action},
    ports::{Memberships, PortError},
    space::{Role, Space},
    task::Task,
};

use crate::http::{Caller, Problem};

/// The role of a user in a space. `None` if the user is not a member or the space does not exist.
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

/// The caller's role, if it permits the action.
///
/// # Errors
/// 404 if the caller is not a member, so that the existence of the space is not revealed; 403 if the caller's role does
/// not permit the action.
pub(crate) async fn require(
    store: &impl Memberships,
    caller: Caller,
    space: SpaceId,
    action: Action,
) -> Result<Role, Problem> {
    if !caller.may_enter(space) {
        return Err(Problem::not_found());
    }
    authorize(role(store, caller.user, space).await?, action)
}

/// Checks a permission while something is read that only a permitted caller sees. An error of the permission comes first.
///
/// # Errors
/// Those of both.
pub(crate) async fn while_checked<P, T, E: Into<Problem>>(
    permission: impl Future<Output = Result<P, Problem>>,
    read: impl Future<Output = Result<T, E>>,
) -> Result<(P, T), Problem> {
    let (permission, read) = futures_util::join!(permission, read);
    Ok((permission?, read.map_err(Into::into)?))
}

/// Like [`require`], for a role that was already read.
pub(crate) fn authorize(role: Option<Role>, action: Action) -> Result<Role, Problem> {
    let role = role.ok_or_else(Problem::not_found)?;
    policy::permits(role, action).then_some(role).ok_or_else(Problem::forbidden)
}

/// Removes tasks in shared spaces that the user has just left. Returns the user's shared spaces if they were read,
/// which is the case if a task is in a shared space.
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
