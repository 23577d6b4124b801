//! `count-tasks`, from the stream of the tasks table: keeps the numbers of spaces.

use taskbell_domain::{
    counts::change,
    ports::{Counting, PortError},
    task::Task,
};

/// How often counting a task is tried. Tasks of one space share numbers, and two that change at the same moment meet
/// there.
const TRIES: usize = 4;

/// Counts what has become of a task. A change that touches no number costs nothing.
///
/// # Errors
/// [`PortError`]; the same change can be counted again.
pub async fn handle(
    store: &impl Counting,
    before: Option<&Task>,
    after: Option<&Task>,
) -> Result<(), PortError> {
    let Some(counted) = change(before, after) else { return Ok(()) };
    let mut result = Ok(());
    for _ in 0..TRIES {
        result = store.count_task(&counted).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}
