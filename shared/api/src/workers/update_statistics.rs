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

/// The changes of a space.
struct Changes {
    /// The place in the batch and the name of the first one.
    first: (usize, String),
    /// The contributions of its tasks, each with the name of the change.
    by_task: BTreeMap<TaskId, (String, Contribution)>,
}

/// Records the changes of a batch, those of one space together. Returns the name of the first change that is to be received
/// again, together with all later ones: recording a change twice has no effect.
///
/// If the store fails for a space, transiently or because access is denied, its changes are received again. A change that
/// cannot be read, or whose counters the store refuses, would block all later ones: it is skipped, and the next change of
/// the task corrects the statistics.
pub async fn handle(
    store: &impl StatisticsUpdates,
    changes: impl IntoIterator<Item = (String, Result<TaskVersions, PortError>)>,
) -> Option<String> {
    let mut by_space = BTreeMap::<SpaceId, Changes>::new();
    for (place, (name, read)) in changes.into_iter().enumerate() {
        match read {
            // Changes of a task are received in their order, so the last one is the newest.
            Ok((before, after)) => {
                if let Some(contribution) = contribution_of(before.as_ref(), after.as_ref()) {
                    let of_space = by_space.entry(contribution.space).or_insert_with(|| Changes {
                        first: (place, name.clone()),
                        by_task: BTreeMap::new(),
                    });
                    of_space.by_task.insert(contribution.task, (name, contribution));
                }
            }
            Err(error) => skip(&name, &error),
        }
    }
    let mut failed = Vec::new();
    for (space, changes) in by_space {
        if let Err(error) = record(store, space, &changes).await {
            let change = &changes.first.1;
            if error.transient {
                tracing::warn!(change, %error, "statistics update stopped");
            } else {
                tracing::error!(change, %error, "statistics update stopped");
            }
            failed.push(changes.first);
        }
    }
    failed.into_iter().min().map(|(_, name)| name)
}

/// Records the changes of a space together. If the store refuses an item, records each by itself and skips what is refused.
async fn record(
    store: &impl StatisticsUpdates,
    space: SpaceId,
    changes: &Changes,
) -> Result<(), PortError> {
    let all: Vec<_> = changes.by_task.values().map(|(_, contribution)| contribution.clone()).collect();
    match attempt(store, space, &all).await {
        Err(error) if error.is_about_item() => {}
        result => return result,
    }
    for (name, contribution) in changes.by_task.values() {
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
