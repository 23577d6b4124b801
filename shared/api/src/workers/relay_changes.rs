//! `relay-changes`, from the stream of the tasks table: appends what changed in a space to its change feed, and has it
//! pushed to live connections.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    feed::{Change, FeedEntry, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    live::{MAX_PUSH_AGE, MAX_PUSHED, Push},
    ports::{FeedChanges, PortError, PushQueue, TaskReads},
};
use tokio::time::timeout;

use super::stream::by_space;

/// How long the feed waits for pushes to be queued. They are dropped then.
const PATIENCE: Duration = Duration::from_millis(500);

/// Appends the changes of a batch, each with its name, to the feeds of their spaces. A record that is no change that a
/// client sees is `None`. Returns the name of the first change that is to be received again, together with all later ones.
pub async fn handle(
    store: &(impl FeedChanges + TaskReads),
    queue: &impl PushQueue,
    clock: &dyn Clock,
    changes: impl IntoIterator<Item = (String, Result<Option<RecordedChange>, PortError>)>,
) -> Option<String> {
    let located = changes.into_iter().map(async |(name, read)| (name, locate(store, read).await));
    let located = join_all(located).await;
    let pushes = Mutex::new(Vec::new());
    let failed = by_space(located, async |space, changes: &[&RecordedChange]| {
        let now = clock.now();
        let since = changes.iter().map(|recorded| recorded.recorded_at).min().unwrap_or(now);
        let entries = if changes.iter().any(|recorded| is_end(&recorded.change)) {
            store.end_feed(space, now).await?;
            Vec::new()
        } else {
            let changes: Vec<_> = changes.iter().map(|recorded| recorded.change.clone()).collect();
            store.append_changes(space, &changes, since, now).await?
        };
        let mut pushes = pushes.lock().unwrap_or_else(PoisonError::into_inner);
        pushes.extend(pushes_of(space, changes, entries, now));
        Ok(())
    });
    let failed = failed.await;
    enqueue(queue, pushes.into_inner().unwrap_or_else(PoisonError::into_inner)).await;
    failed
}

/// Whether a change ends the feed of its space.
fn is_end(change: &Change) -> bool {
    (change.subject, change.operation) == (Subject::Space, Operation::Deleted)
}

/// What is pushed after changes of a space, of which `entries` are new in its feed.
fn pushes_of(
    space: SpaceId,
    changes: &[&RecordedChange],
    mut entries: Vec<FeedEntry>,
    now: Timestamp,
) -> Vec<Push> {
    let recorded_at: BTreeMap<_, _> =
        changes.iter().map(|recorded| (&recorded.change.id, recorded.recorded_at)).collect();
    let is_recent = |at: &Timestamp| now.duration_since(*at) <= MAX_PUSH_AGE;
    let recent_at = |entry: &FeedEntry| recorded_at.get(&entry.change.id).copied().filter(is_recent);
    entries.retain(|entry| recent_at(entry).is_some());
    if entries.len() > MAX_PUSHED {
        entries.drain(..entries.len() - 1);
    }
    let first = entries.iter().filter_map(recent_at).min();
    let changed = first.map(|recorded_at| Push::Changes { space, entries, recorded_at });
    let left = changes.iter().filter(|recorded| is_recent(&recorded.recorded_at));
    let left = left.filter_map(|recorded| match recorded.change.subject {
        Subject::Member(user) if recorded.change.operation == Operation::Deleted => {
            Some((user, recorded.recorded_at))
        }
        _ => None,
    });
    let (users, left_at): (Vec<_>, Vec<_>) = left.unzip();
    let left = left_at.into_iter().min().map(|recorded_at| Push::Left { users, recorded_at });
    changed.into_iter().chain(left).collect()
}

/// Queues pushes. A failure loses them and nothing else.
async fn enqueue(queue: &impl PushQueue, pushes: Vec<Push>) {
    if pushes.is_empty() {
        return;
    }
    match timeout(PATIENCE, queue.enqueue_pushes(&pushes)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "pushes not queued"),
        Err(_) => tracing::warn!("pushes not queued in time"),
    }
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
