//! Changes from the stream of the tasks table, handled space by space.

use std::collections::BTreeMap;

use taskbell_domain::{id::SpaceId, ports::PortError};

/// The maximum number of attempts to record changes. Objects of a space share items, so simultaneous transactions can
/// conflict. (This is not an update of [`crate::update`]: the write has no version to read again.)
const MAX_ATTEMPTS: usize = 4;

/// The changes of a space: the place in the batch of the first one, and each with its name.
struct OfSpace<C> {
    first: usize,
    changes: Vec<(String, C)>,
}

/// Records the changes of a batch, those of one space together and in their order. Returns the name of the first change that
/// is to be received again, together with all later ones: recording a change twice must have no effect.
///
/// If the store fails, transiently or because access is denied, the changes of the space are received again. A change that
/// cannot be read, or that the store refuses, would block all later ones: it is skipped.
pub(super) async fn by_space<C>(
    changes: impl IntoIterator<Item = (String, Result<Option<(SpaceId, C)>, PortError>)>,
    record: impl AsyncFn(SpaceId, &[&C]) -> Result<(), PortError>,
) -> Option<String> {
    let mut by_space = BTreeMap::<SpaceId, OfSpace<C>>::new();
    let mut failed = Vec::new();
    for (place, (name, read)) in changes.into_iter().enumerate() {
        match read {
            Ok(Some((space, change))) => {
                let first = || OfSpace { first: place, changes: Vec::new() };
                by_space.entry(space).or_insert_with(first).changes.push((name, change));
            }
            Ok(None) => {}
            Err(error) if error.is_about_item() => skip(&name, &error),
            // Changes of an object stay in their order: later ones wait for this one.
            Err(error) => {
                log_stop(&name, &error);
                failed.push((place, name));
                break;
            }
        }
    }
    for (space, of_space) in by_space {
        if let Err(error) = record_all(space, &of_space.changes, &record).await {
            let name = of_space.changes.into_iter().next().map(|(name, _)| name).unwrap_or_default();
            log_stop(&name, &error);
            failed.push((of_space.first, name));
        }
    }
    failed.into_iter().min().map(|(_, name)| name)
}

/// Records the changes of a space together. If the store refuses an item, records each by itself and skips what is refused.
async fn record_all<C>(
    space: SpaceId,
    changes: &[(String, C)],
    record: &impl AsyncFn(SpaceId, &[&C]) -> Result<(), PortError>,
) -> Result<(), PortError> {
    let all: Vec<_> = changes.iter().map(|(_, change)| change).collect();
    match attempt(space, &all, record).await {
        Err(error) if error.is_about_item() => {}
        result => return result,
    }
    for (name, change) in changes {
        match attempt(space, &[change], record).await {
            Err(error) if error.is_about_item() => skip(name, &error),
            result => result?,
        }
    }
    Ok(())
}

async fn attempt<C>(
    space: SpaceId,
    changes: &[&C],
    record: &impl AsyncFn(SpaceId, &[&C]) -> Result<(), PortError>,
) -> Result<(), PortError> {
    let mut result = Ok(());
    for _ in 0..MAX_ATTEMPTS {
        result = record(space, changes).await;
        if !result.as_ref().is_err_and(|error| error.transient) {
            break;
        }
    }
    result
}

fn log_stop(change: &str, error: &PortError) {
    if error.transient {
        tracing::warn!(change, %error, "changes not recorded");
    } else {
        tracing::error!(change, %error, "changes not recorded");
    }
}

fn skip(change: &str, error: &PortError) {
    tracing::error!(ChangesSkipped = 1, change, %error, "change skipped");
}
