//! The invariant of series.

use std::collections::BTreeSet;

use taskbell_domain::id::TaskId;

use super::checks::History;

/// Each occurrence of a series is created once, by the previous occurrence.
pub(super) fn check_series(history: &History) -> Result<(), String> {
    let latest = history
        .tasks
        .values()
        .filter_map(|versions| versions.iter().rev().find_map(|version| version.task.as_ref()));
    let mut created = BTreeSet::new();
    let mut numbered = BTreeSet::new();
    for task in latest {
        if let Some(next) = task.next_occurrence
            && !created.insert(next)
        {
            return Err(format!("{next} was created by two tasks"));
        }
        numbered.extend(task.recurrence.as_ref().filter(|series| series.number > 1).map(|_| task.id));
    }
    // A skipped task has a later occurrence number, too; it is in `created` if another task created it.
    let first =
        |id: &TaskId| history.tasks[id][0].task.as_ref().and_then(|task| task.recurrence.as_ref());
    let orphan = numbered
        .into_iter()
        .find(|id| first(id).is_some_and(|s| s.number > 1) && !created.contains(id));
    orphan.map_or(Ok(()), |id| Err(format!("no task created the occurrence {id}")))
}
