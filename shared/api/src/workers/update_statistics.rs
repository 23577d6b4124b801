//! `update-statistics`, from the stream of the tasks table: updates the statistics of spaces.

use std::collections::BTreeMap;

use taskbell_domain::{
    id::{SpaceId, TaskId},
    ports::{PortError, StatisticsUpdates},
    statistics::{Contribution, contribution_of},
    task::Task,
};

use super::stream::by_space;

/// A task before and after a change; none before it was created, and after it was deleted.
pub type TaskVersions = (Option<Task>, Option<Task>);

/// Records the changes of a batch, each with its name. Returns the name of the first change that is to be received again,
/// together with all later ones. The next change of a task corrects the statistics after one that was skipped.
pub async fn handle(
    store: &impl StatisticsUpdates,
    changes: impl IntoIterator<Item = (String, Result<TaskVersions, PortError>)>,
) -> Option<String> {
    // A task that moves twice in a batch has contributed to the space in which it was at first.
    let mut first = BTreeMap::<TaskId, SpaceId>::new();
    let contributions = changes.into_iter().map(|(name, read)| {
        let contribution = read.map(|(before, after)| contribution_of(before.as_ref(), after.as_ref()));
        let contribution = contribution.map(|found| {
            let mut found = found?;
            found.space_before = *first.entry(found.task).or_insert(found.space_before);
            Some((found.space, found))
        });
        (name, contribution)
    });
    by_space(contributions, async |_, contributions: &[&Contribution]| {
        // Changes of a task are received in their order, so the last one is the newest.
        let newest: BTreeMap<_, _> = contributions.iter().map(|one| (one.task, *one)).collect();
        let newest: Vec<_> = newest.into_values().cloned().collect();
        store.record_contributions(&newest).await
    })
    .await
}
