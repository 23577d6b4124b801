//! Deletes what is left of an account after its profile was deleted: sessions, tokens, connections, memberships, assignments, and
//! the personal space with its tasks. Every step can be interrupted and repeated.
//!
//! Comments and tasks in shared spaces stay. They keep the id of the user, which no longer identifies an account.

use futures_util::future::try_join_all;
use jiff::Timestamp;
use taskbell_domain::{
    account_deletion::AccountDeletion,
    clock::Random,
    email::EmailAddress,
    id::{SpaceId, UserId},
    list::{Scope, Sort, SortBy, TaskFilter, TaskQuery},
    membership::{MemberChange, heir},
    notification::NotificationKind,
    ports::{
        AccountDeletions, Accounts, LiveConnections, Notifications, PortError, PushQueue, Replaced,
        SpaceChanges, TaskChanges,
    },
    space::Role,
    user::User,
};

use crate::{assignments::unassign, http::Problem, live::end_connections, update::Attempts};

/// What the deletion of an account reads and writes.
pub trait DeletionStore:
    AccountDeletions + Accounts + LiveConnections + SpaceChanges + TaskChanges
{
}
impl<S: AccountDeletions + Accounts + LiveConnections + SpaceChanges + TaskChanges> DeletionStore
    for S
{
}

/// Deletes the profile and the password of an account. From then on its tokens are refused, log-ins fail, it gets no mail, and
/// its address is free, like previous ones that were reserved for it. If the profile has changed since it was read, `may_delete` is asked again.
///
/// # Errors
/// 404 if the account does not exist; 409 `busy`; those of `may_delete`.
pub(crate) async fn delete_profile(
    store: &(impl DeletionStore + Notifications),
    mut user: User,
    now: Timestamp,
    may_delete: impl Fn(&User) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let deletion = AccountDeletion { user: user.id, deleted_at: now };
        let previous = previous_addresses(store, &user).await?;
        if store.delete_account(&user, &previous, deletion).await? {
            return Ok(());
        }
        user = store.user(user.id).await?.ok_or_else(Problem::not_found)?;
        may_delete(&user)?;
    }
}

/// The previous addresses of an account that may be reserved for it: those to which codes were mailed that undo a change.
pub(crate) async fn previous_addresses(
    store: &impl Notifications,
    user: &User,
) -> Result<Vec<EmailAddress>, PortError> {
    let codes = user.email_undos.iter().map(|code| store.notification(*code));
    let codes = try_join_all(codes).await?.into_iter().flatten();
    let address = |kind| match kind {
        NotificationKind::Code { address, .. } => address,
        _ => None,
    };
    Ok(codes.filter_map(|code| address(code.kind)).collect())
}

/// Deletes everything else. What requests add that were running when the profile was deleted is found by a later run. A step
/// that fails does not stop the others. Returns whether there were no tasks and no memberships left before.
///
/// # Errors
/// The first error of the store, or 409 `busy`. What was deleted stays deleted.
pub(crate) async fn delete_rest(
    store: &impl DeletionStore,
    queue: &impl PushQueue,
    user: UserId,
    (now, random): (Timestamp, &dyn Random),
) -> Result<bool, Problem> {
    let mut failures = Vec::new();
    let mut step = |result: Result<(), Problem>| failures.extend(result.err());
    let personal = SpaceId::personal(user);
    let spaces = store.space_ids(user).await;
    let tasks = store.list(&any_task(personal)).await;
    let was_clean = spaces.as_ref().is_ok_and(Vec::is_empty)
        && tasks.as_ref().is_ok_and(|page| page.items.is_empty());
    step(tasks.map(drop).map_err(Into::into));
    let spaces = spaces.unwrap_or_else(|error| {
        step(Err(error.into()));
        Vec::new()
    });
    step(store.close_sessions(user).await.map_err(Into::into));
    step(end_connections(store, queue, user, |_| true).await.map_err(Into::into));
    for space in spaces {
        step(leave(store, space, user, now).await);
    }
    step(store.purge_space(personal).await.map_err(Into::into));
    // In all spaces: an interrupted run may have left one already.
    step(unassign(store, None, user, (now, random)).await.map(drop));
    step(store.delete_items_of(user).await.map_err(Into::into));
    match failures.into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(was_clean),
    }
}

/// Whether there is a task in a space.
fn any_task(space: SpaceId) -> TaskQuery {
    TaskQuery {
        scope: Scope::Space(space),
        filter: TaskFilter::default(),
        sort: Sort { by: SortBy::Created, descending: false },
        limit: 1,
        after: None,
    }
}

/// Removes the user from a space. A space without other members is deleted; one whose last owner leaves gets another owner.
async fn leave(
    store: &impl DeletionStore,
    id: SpaceId,
    user: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        // Also a space whose deletion was interrupted.
        let Some((mut space, me)) = store.space_and_member(id, user).await? else {
            // Of a deleted space, its members may be left.
            if store.space(id).await?.is_none() {
                store.purge_space(id).await?;
            }
            return Ok(());
        };
        let read = space.version;
        let is_last_owner = space.is_last_owner(me.role);
        let next = match is_last_owner && !space.deleting {
            true => store.space_and_members(id).await?.and_then(|(_, members)| heir(&members, user)),
            false => None,
        };
        if let Some(next) = next {
            // Whether it was stored shows the next attempt.
            let change = MemberChange::Role(next, Role::Owner);
            space.apply(&change, now).map_err(Problem::refused)?;
            store.change_member(&space, read, &change).await?;
            continue;
        }
        if space.deleting || is_last_owner {
            if !space.deleting {
                space.begin_deletion(now);
                if store.replace_space(&space, read).await? != Replaced::Stored {
                    continue;
                }
            }
            store.purge_space(id).await?;
            return Ok(());
        }
        let change = MemberChange::Leave(me);
        space.apply(&change, now).map_err(Problem::refused)?;
        if store.change_member(&space, read, &change).await? {
            return Ok(());
        }
    }
}
