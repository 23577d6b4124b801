//! `relay-changes`, from the stream of the tasks table: appends what changed in a space to its change feed, and has it
//! pushed to live connections.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::Clock,
    feed::{Change, FeedEntry, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    live::{MAX_PUSHED, Push, is_pushable},
    ports::{FeedChanges, PortError, PushQueue, TaskReads},
};
use tokio::time::timeout;

use super::stream::by_space;

/// How long the feed waits for pushes to be queued. They are dropped then.
const PATIENCE: Duration = Duration::from_millis(500);

/// A change with the name of its record, or why it cannot be read.
pub type NamedChange = (String, Result<Option<RecordedChange>, PortError>);

/// The changes in a record, each with its name: one if it cannot be read.
pub fn named(name: String, read: Result<Vec<RecordedChange>, PortError>) -> Vec<NamedChange> {
    match read {
        Ok(changes) => changes.into_iter().map(|change| (name.clone(), Ok(Some(change)))).collect(),
        Err(error) => vec![(name, Err(error))],
    }
}

/// Appends the changes of a batch, each with its name, to the feeds of their spaces. A record that is no change that a
/// client sees is `None`. Returns the name of the first change that is to be received again, together with all later ones.
pub async fn handle(
    store: &(impl FeedChanges + TaskReads),
    queue: &impl PushQueue,
    clock: &dyn Clock,
    changes: impl IntoIterator<Item = NamedChange>,
) -> Option<String> {
    let located = changes.into_iter().map(async |(name, read)| (name, locate(store, read).await));
    let located = join_all(located).await;
    let relayed = Mutex::new(Relayed::default());
    let failed = by_space(located, async |space, changes: &[&RecordedChange]| {
        let now = clock.now();
        let since = changes.iter().map(|recorded| recorded.recorded_at).min().unwrap_or(now);
        let entries = if changes.iter().any(|recorded| is_end(&recorded.change)) {
            store.end_feed(space, now).await?;
            None
        } else {
            let changes: Vec<_> = changes.iter().map(|recorded| recorded.change.clone()).collect();
            store.append_changes(space, &changes, since, now).await?
        };
        let mut relayed = relayed.lock().unwrap_or_else(PoisonError::into_inner);
        relayed.entries += entries.as_ref().map_or(0, Vec::len);
        relayed.lag = relayed.lag.max(now.duration_since(since));
        relayed.pushes.extend(pushes_of(space, changes, entries, now));
        Ok(())
    });
    let failed = failed.await;
    let Relayed { entries, lag, pushes } = relayed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if entries > 0 {
        tracing::info!(ChangesRelayed = entries, FeedLag = lag.as_secs(), "changes relayed");
    }
    enqueue(queue, pushes).await;
    failed
}

/// What was relayed from a batch.
#[derive(Default)]
struct Relayed {
    /// The number of new entries in feeds.
    entries: usize,
    /// The longest time from a change to its entry.
    lag: SignedDuration,
    /// What is to be pushed.
    pushes: Vec<Push>,
}

/// Whether a change ends the feed of its space.
fn is_end(change: &Change) -> bool {
    (change.subject, change.operation) == (Subject::Space, Operation::Deleted)
}

/// What is pushed after changes of a space, of which `entries` are new in its feed. `None` if the feed has ended.
fn pushes_of(
    space: SpaceId,
    changes: &[&RecordedChange],
    entries: Option<Vec<FeedEntry>>,
    now: Timestamp,
) -> Vec<Push> {
    let has_ended = entries.is_none();
    let mut entries = entries.unwrap_or_default();
    let new: BTreeSet<_> = entries.iter().map(|entry| &entry.change.id).collect();
    let is_new = |change: &Change| has_ended || new.contains(&change.id);
    let recent: BTreeMap<String, &RecordedChange> = changes
        .iter()
        .filter(|recorded| is_pushable(recorded.recorded_at, now) && is_new(&recorded.change))
        .map(|recorded| (recorded.change.id.clone(), *recorded))
        .collect();
    let Some(recorded_at) = recent.values().map(|recorded| recorded.recorded_at).min() else {
        return Vec::new();
    };
    entries.retain(|entry| recent.contains_key(&entry.change.id));
    if entries.len() > MAX_PUSHED {
        entries.drain(..entries.len() - 1);
    }
    let left = recent.values().filter(|one| one.change.operation == Operation::Deleted);
    let left = left.filter_map(|recorded| match recorded.change.subject {
        Subject::Member(user) => Some(user),
        _ => None,
    });
    let users: Vec<_> = left.collect();
    let changed = (!entries.is_empty()).then_some(Push::Changes { space, entries, recorded_at });
    let left = (!users.is_empty()).then_some(Push::Left { users, recorded_at });
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
