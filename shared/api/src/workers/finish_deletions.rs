//! `finish-deletions`, every five minutes: deletes what is left of accounts that were deleted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::{Clock, Random},
    ports::{PortError, PushQueue},
};

use crate::{
    account_deletion::{DeletionStore, delete_rest},
    log_id::log_id,
};

/// How long a run works on one account. The next run continues.
const TIME_FOR_ONE: SignedDuration = SignedDuration::from_secs(90);

/// How long before its deadline a run stops work.
const TIME_TO_END: SignedDuration = SignedDuration::from_secs(5);

/// How many deletions a run has finished, and how many it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Finished {
    /// Nothing is left of these accounts.
    pub finished: usize,
    /// The next run continues with them.
    pub left: usize,
}

/// Why a run counts as failed.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The deletion of an account failed, with this code.
    #[error("the deletion of an account failed: {0}")]
    Failed(&'static str),
    /// The deletion of an account takes longer than [`taskbell_domain::account_deletion::OVERDUE_AFTER`].
    #[error("the deletion of an account takes too long")]
    Overdue,
}

/// Continues all deletions that have not finished. One that fails does not stop the others.
///
/// # Errors
/// If the deletions cannot be listed, one of them failed, or one is overdue: the run counts as failed, which
/// `DeletionErrorAlarm` is about, and the next one tries again.
pub async fn handle(
    store: &impl DeletionStore,
    queue: &impl PushQueue,
    (clock, random): (&dyn Clock, &dyn Random),
    deadline: Timestamp,
) -> Result<Finished, DeletionError> {
    let (mut result, mut failure) = (Finished::default(), None);
    let mut deletions = store.unfinished_deletions().await?;
    // From another place in each run, so that those that fail or take long do not keep others waiting for good.
    let mut place = [0; 8];
    random.fill(&mut place);
    let place = u64::from_be_bytes(place) % u64::try_from(deletions.len().max(1)).unwrap_or(1);
    deletions.rotate_left(usize::try_from(place).unwrap_or_default());
    for deletion in deletions {
        let now = clock.now();
        let time = now.duration_until(deadline - TIME_TO_END).min(TIME_FOR_ONE);
        let time = Duration::try_from(time).unwrap_or_default();
        let work = delete_rest(store, queue, deletion.user, (now, random));
        match tokio::time::timeout(time, work).await {
            Ok(Ok(true)) if deletion.is_last_run(now) => {
                if let Err(error) = store.finish_deletion(deletion.user).await {
                    result.left += 1;
                    failure = Some(error.into());
                    continue;
                }
                tracing::info!(user = log_id(deletion.user), "the deletion of an account has finished");
                result.finished += 1;
            }
            Ok(Ok(_)) | Err(_) if deletion.is_overdue(now) => {
                let minutes = now.duration_since(deletion.deleted_at).as_mins();
                tracing::error!(
                    user = log_id(deletion.user),
                    minutes,
                    "the deletion of an account takes too long"
                );
                result.left += 1;
                failure = Some(DeletionError::Overdue);
            }
            // The next run continues.
            Ok(Ok(_)) | Err(_) => result.left += 1,
            Ok(Err(problem)) => {
                tracing::error!(
                    user = log_id(deletion.user),
                    code = problem.code,
                    "the deletion of an account failed"
                );
                result.left += 1;
                failure = Some(DeletionError::Failed(problem.code));
            }
        }
    }
    failure.map_or(Ok(result), Err)
}
