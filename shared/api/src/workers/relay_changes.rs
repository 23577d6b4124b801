//! `relay-changes`, from the stream of the tasks table: appends what changed in a space to its change feed.

use futures_util::future::join_all;
use taskbell_domain::{
    clock::Clock,
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    ports::{FeedChanges, PortError, TaskReads},
};

use super::stream::by_space;

/// Appends the changes of a batch, each with its name, to the feeds of their spaces. A record that is no change that a
/// client sees is `None`. Returns the name of the first change that is to be received again, together with all later ones.
pub async fn handle(
    store: &(impl FeedChanges + TaskReads),
    clock: &dyn Clock,
    changes: impl IntoIterator<Item = (String, Result<Option<RecordedChange>, PortError>)>,
) -> Option<String> {
    let located = changes.into_iter().map(async |(name, read)| (name, locate(store, read).await));
    let located = join_all(located).await;
    by_space(located, async |space, changes: &[&RecordedChange]| {
        let now = clock.now();
        let is_end = |change: &Change| {
            (change.subject, change.operation) == (Subject::Space, Operation::Deleted)
        };
        if changes.iter().any(|recorded| is_end(&recorded.change)) {
            return store.end_feed(space, now).await;
        }
        let since = changes.iter().map(|recorded| recorded.recorded_at).min().unwrap_or(now);
        let changes: Vec<_> = changes.iter().map(|recorded| recorded.change.clone()).collect();
        store.append_changes(space, &changes, since, now).await.map(drop)
    })
    .await
}

/// The space of a change. `None` for a comment on a task that is deleted, which says enough.
async fn locate(
    store: &impl TaskReads,
    read: Result<Option<RecordedChange>, PortError>,
) -> Result<Option<(SpaceId, RecordedChange)>, PortError> {
    let Some(recorded) = read? else { return Ok(None) };
    let space = match recorded.place {
        Place::Space(space) => Some(space),
        Place::Task(task) => store.task(task).await?.map(|task| task.space),
    };
    Ok(space.map(|space| (space, recorded)))
}
