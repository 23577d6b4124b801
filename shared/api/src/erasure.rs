//! Deletes what is left of an account after its profile was deleted: sessions, tokens, connections, memberships, assignments, and
//! the personal space with its tasks. Every step can be interrupted and repeated.
//!
//! Comments and tasks in shared spaces stay. They have the id of the user, which leads nowhere.

use jiff::Timestamp;
use taskbell_domain::{
    account_deletion::AccountDeletion,
    clock::Random,
    id::{SpaceId, UserId},
    membership::{MemberChange, heir},
    ports::{
        AccountDeletions, Accounts, LiveConnections, PushQueue, Replaced, SpaceChanges, TaskChanges,
    },
    space::{Member, Role, Space},
    user::User,
};

use crate::{assignments::unassign, http::Problem, live::end_connections, update::Attempts};

/// What the deletion of an account reads and writes.
pub trait ErasureStore:
    AccountDeletions + Accounts + LiveConnections + SpaceChanges + TaskChanges
{
}
impl<S: AccountDeletions + Accounts + LiveConnections + SpaceChanges + TaskChanges> ErasureStore for S {}

/// Deletes the profile and the password of an account. From then on its tokens are refused, nobody can log in to it, it gets
/// no mail, and its address is free.
///
/// # Errors
/// 404 if the account does not exist; 409 `busy`.
pub(crate) async fn delete_profile(
    store: &impl ErasureStore,
    mut user: User,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let deletion = AccountDeletion { user: user.id, deleted_at: now };
        if store.delete_account(&user, deletion).await? {
            return Ok(());
        }
        user = store.user(user.id).await?.ok_or_else(Problem::not_found)?;
    }
}

/// Deletes everything else. What requests add that were running when the profile was deleted is found by the last sweep.
///
/// # Errors
/// Those of the store, and 409 `busy`. What was deleted until then stays deleted.
pub(crate) async fn erase(
    store: &impl ErasureStore,
    queue: &impl PushQueue,
    user: UserId,
    (now, random): (Timestamp, &dyn Random),
) -> Result<(), Problem> {
    store.close_sessions(user).await?;
    end_connections(store, queue, user, |_| true).await?;
    for space in store.space_ids(user).await? {
        leave(store, space, user, now).await?;
    }
    store.purge_space(SpaceId::personal(user)).await?;
    // In all spaces: an interrupted sweep may have left one already.
    unassign(store, None, user, (now, random)).await?;
    store.delete_items_of(user).await?;
    Ok(())
}

/// Removes the user from a space. A space without other members is deleted; one whose last owner leaves gets another owner.
async fn leave(
    store: &impl ErasureStore,
    id: SpaceId,
    user: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        // Also a space whose deletion was interrupted.
        let Some((mut space, me)) = store.space_and_member(id, user).await? else { return Ok(()) };
        let read = space.version;
        if space.deleting || space.member_count <= 1 {
            if !space.deleting {
                space.begin_deletion(now);
                if store.replace_space(&space, read).await? != Replaced::Stored {
                    continue;
                }
            }
            store.purge_space(id).await?;
            return Ok(());
        }
        if me.role == Role::Owner && space.owner_count <= 1 {
            promote_heir(store, space, me, now).await?;
            continue;
        }
        let change = MemberChange::Leave(me);
        space.apply(&change, now).map_err(Problem::refused)?;
        if store.change_member(&space, read, &change).await? {
            return Ok(());
        }
    }
}

/// Makes another member an owner. Whether it was stored shows the next attempt.
async fn promote_heir(
    store: &impl ErasureStore,
    mut space: Space,
    leaving: Member,
    now: Timestamp,
) -> Result<(), Problem> {
    let members = store.space_and_members(space.id).await?.map(|(_, members)| members);
    let Some(next) = heir(&members.unwrap_or_default(), leaving.user) else { return Ok(()) };
    let (read, change) = (space.version, MemberChange::Role(next, Role::Owner));
    space.apply(&change, now).map_err(Problem::refused)?;
    store.change_member(&space, read, &change).await?;
    Ok(())
}
