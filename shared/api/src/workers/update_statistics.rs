//! `update-statistics`, from the stream of the tasks table: keeps the numbers of spaces.

use taskbell_domain::{
    ports::{PortError, StatisticsUpdates},
    statistics::change,
    task::Task,
};

/// How often counting a task is tried. Tasks of one space share numbers, and two that change at the same moment meet
/// there.
const TRIES: usize = 4;

/// A task before and after a change; nothing where it was not yet, or is gone.
pub type TaskVersions = (Option<Task>, Option<Task>);

/// Counts changes in their order. Gives the name of the first one that is to be told again, with all behind it: those
/// may be about the same task.
///
/// Where the store fails, whether for a moment or because the function may not use it, no change gets further, and
/// all of them wait. A change that cannot be read, or whose numbers the store does not take, would only keep those behind it
/// waiting: it is skipped, and the next change of its task makes up for it.
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
            // The template has an alarm on this line.
            Err(error) if error.is_about_item() => {
                tracing::error!(change = name, %error, "a change was not counted");
            }
            Err(error) if error.transient => {
                tracing::warn!(change = name, %error, "counting waits");
                return Some(name);
            }
            Err(error) => {
                tracing::error!(change = name, %error, "counting waits");
                return Some(name);
            }
        }
    }
    None
}

/// Counts what has become of a task. A change that touches no number costs nothing.
async fn count(
    store: &impl StatisticsUpdates,
    before: Option<&Task>,
    after: Option<&Task>,
) -> Result<(), PortError> {
    let Some(counted) = change(before, after) else { return Ok(()) };
    let mut result = Ok(());
    for _ in 0..TRIES {
        result = store.record_contribution(&counted).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}
