//! `update-statistics`, from the stream of the tasks table: updates the statistics of spaces.

use taskbell_domain::{
    ports::{PortError, StatisticsUpdates},
    statistics::change,
    task::Task,
};

/// The most attempts to count one change. Tasks of a space share counters, so simultaneous transactions can conflict.
/// (This is not an update of [`crate::update`]: the write has no version to read again.)
const MAX_ATTEMPTS: usize = 4;

/// A task before and after a change; none before it was created, and after it was deleted.
pub type TaskVersions = (Option<Task>, Option<Task>);

/// Counts changes in their order. Returns the name of the first change that is to be received again, together with all
/// later ones, which may be about the same task.
///
/// If the store fails, transiently or because access is denied, counting stops there. A change that cannot be read, or whose
/// counters the store refuses, would block all later ones: it is skipped, and the task's next change corrects the
/// statistics.
pub async fn handle(
    store: &impl StatisticsUpdates,
    changes: impl IntoIterator<Item = (String, Result<TaskVersions, PortError>)>,
) -> Option<String> {
    for (name, read) in changes {
        let counted = match read {
            Ok((before, after)) => count(store, before.as_ref(), after.as_ref()).await,
            Err(error) => Err(error),
        };
        match counted {
            Ok(()) => {}
            // The template's UncountedChangeAlarm counts this line.
            Err(error) if error.is_about_item() => {
                tracing::error!(change = name, %error, "change not counted");
            }
            Err(error) if error.transient => {
                tracing::warn!(change = name, %error, "counting stopped");
                return Some(name);
            }
            Err(error) => {
                tracing::error!(change = name, %error, "counting stopped");
                return Some(name);
            }
        }
    }
    None
}

/// Counts one change. A change that affects no counter makes no call.
async fn count(
    store: &impl StatisticsUpdates,
    before: Option<&Task>,
    after: Option<&Task>,
) -> Result<(), PortError> {
    let Some(counted) = change(before, after) else { return Ok(()) };
    let mut result = Ok(());
    for _ in 0..MAX_ATTEMPTS {
        result = store.record_contribution(&counted).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}
