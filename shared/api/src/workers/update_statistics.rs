//! `update-statistics`, from the stream of the tasks table: updates the statistics of spaces.

use std::collections::BTreeMap;

use taskbell_domain::{
    id::{SpaceId, TaskId},
    ports::{PortError, StatisticsUpdates},
    statistics::{Contribution, contribution_of},
    task::Task,
};

/// The maximum number of attempts to record changes. Tasks of a space share counters, so simultaneous transactions
/// can conflict. (This is not an update of [`crate::update`]: the write has no version to read again.)
const MAX_ATTEMPTS: usize = 4;

/// A task before and after a change; none before it was created, and after it was deleted.
pub type TaskVersions = (Option<Task>, Option<Task>);

/// The contributions of tasks of a space, each with the name of the change.
type Changes = BTreeMap<TaskId, (String, Contribution)>;

/// Records the changes of a batch, those of one space together. Returns the name of the first change that is to be received
/// again, together with all later ones, which may be about the same task.
///
/// If the store fails, transiently or because access is denied, the whole batch is received again, since recording a change
/// twice has no effect. A change that cannot be read, or whose counters the store refuses, would block all later ones: it
/// is skipped, and the next change of the task corrects the statistics.
pub async fn handle(
    store: &impl StatisticsUpdates,
    changes: impl IntoIterator<Item = (String, Result<TaskVersions, PortError>)>,
) -> Option<String> {
    let (mut first, mut by_space) = (None, BTreeMap::<SpaceId, Changes>::new());
    for (name, read) in changes {
        match read {
            // Changes of a task are received in their order, so the last one is the newest.
            Ok((before, after)) => {
                first.get_or_insert_with(|| name.clone());
                if let Some(contribution) = contribution_of(before.as_ref(), after.as_ref()) {
                    let of_space = by_space.entry(contribution.space).or_default();
                    of_space.insert(contribution.task, (name, contribution));
                }
            }
            Err(error) => skip(&name, &error),
        }
    }
    for (space, changes) in by_space {
        if let Err(error) = record(store, space, &changes).await {
            if error.transient {
                tracing::warn!(%error, "statistics update stopped");
            } else {
                tracing::error!(%error, "statistics update stopped");
            }
            return first;
        }
    }
    None
}

/// Records the changes of a space together. If the store refuses an item, records each by itself and skips what is refused.
async fn record(
    store: &impl StatisticsUpdates,
    space: SpaceId,
    changes: &Changes,
) -> Result<(), PortError> {
    let all: Vec<_> = changes.values().map(|(_, contribution)| contribution.clone()).collect();
    match attempt(store, space, &all).await {
        Err(error) if error.is_about_item() => {}
        result => return result,
    }
    for (name, contribution) in changes.values() {
        match attempt(store, space, std::slice::from_ref(contribution)).await {
            Err(error) if error.is_about_item() => skip(name, &error),
            result => result?,
        }
    }
    Ok(())
}

async fn attempt(
    store: &impl StatisticsUpdates,
    space: SpaceId,
    contributions: &[Contribution],
) -> Result<(), PortError> {
    let mut result = Ok(());
    for _ in 0..MAX_ATTEMPTS {
        result = store.record_contributions(space, contributions).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}

fn skip(change: &str, error: &PortError) {
    // The template's SkippedChangeAlarm counts this line.
    tracing::error!(change, %error, "change skipped");
}
