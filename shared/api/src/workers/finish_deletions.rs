//! `finish-deletions`, every five minutes: deletes what is left of accounts that were deleted.

use jiff::Timestamp;
use taskbell_domain::{
    clock::{Clock, Random},
    ports::{PortError, PushQueue},
};

use crate::{
    erasure::{ErasureStore, erase},
    log_id::log_id,
};

/// The maximum number of accounts in one run. The next run takes the others.
const MAX_ACCOUNTS: u8 = 20;

/// How many deletions a run has finished, and how many it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Finished {
    /// Nothing is left of these accounts.
    pub finished: usize,
    /// They are swept again by the next run.
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
}

/// Sweeps all accounts whose deletion has not finished. One that fails does not stop the others.
///
/// # Errors
/// If the deletions cannot be listed, or one of them failed: the run counts as failed, and the next one tries again.
pub async fn handle(
    store: &impl ErasureStore,
    queue: &impl PushQueue,
    (clock, random): (&dyn Clock, &dyn Random),
    deadline: Timestamp,
) -> Result<Finished, DeletionError> {
    let (mut result, mut failure) = (Finished::default(), None);
    for deletion in store.unfinished_deletions(MAX_ACCOUNTS).await? {
        let now = clock.now();
        if now >= deadline {
            result.left += 1;
            continue;
        }
        let swept = erase(store, queue, deletion.user, (now, random)).await;
        match swept {
            Ok(()) if deletion.is_last_sweep(now) => {
                store.finish_deletion(deletion.user).await?;
                tracing::info!(user = log_id(deletion.user), "the deletion of an account has finished");
                result.finished += 1;
            }
            Ok(()) => result.left += 1,
            Err(problem) => {
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
