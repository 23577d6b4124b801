//! `update-statistics`, from the stream of the tasks table: updates the statistics of spaces.

use taskbell_domain::{
    ports::{PortError, StatisticsUpdates},
    statistics::contribution_of,
    task::Task,
};

/// The maximum number of attempts to record one change. Tasks of a space share counters, so simultaneous transactions
/// can conflict. (This is not an update of [`crate::update`]: the write has no version to read again.)
const MAX_ATTEMPTS: usize = 4;

/// A task before and after a change; none before it was created, and after it was deleted.
pub type TaskVersions = (Option<Task>, Option<Task>);

/// Records changes in their order. Returns the name of the first change that is to be received again, together with all
/// later ones, which may be about the same task.
///
/// If the store fails, transiently or because access is denied, the update stops there. A change that cannot be read,
/// or whose counters the store refuses, would block all later ones: it is skipped, and the next change of the task
/// corrects the statistics.
pub async fn handle(
    store: &impl StatisticsUpdates,
    changes: impl IntoIterator<Item = (String, Result<TaskVersions, PortError>)>,
) -> Option<String> {
    for (name, read) in changes {
        let recorded = match read {
            Ok((before, after)) => record(store, before.as_ref(), after.as_ref()).await,
            Err(error) => Err(error),
        };
        match recorded {
            Ok(()) => {}
            // The template's SkippedChangeAlarm counts this line.
            Err(error) if error.is_about_item() => {
                tracing::error!(change = name, %error, "change skipped");
            }
            Err(error) if error.transient => {
                tracing::warn!(change = name, %error, "statistics update stopped");
                return Some(name);
            }
            Err(error) => {
                tracing::error!(change = name, %error, "statistics update stopped");
                return Some(name);
            }
        }
    }
    None
}

/// Records one change. A change that affects no counter makes no call.
async fn record(
    store: &impl StatisticsUpdates,
    before: Option<&Task>,
    after: Option<&Task>,
) -> Result<(), PortError> {
    let Some(contribution) = contribution_of(before, after) else { return Ok(()) };
    let mut result = Ok(());
    for _ in 0..MAX_ATTEMPTS {
        result = store.record_contribution(&contribution).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}
