//! Live connections of users.

mod tickets;

use taskbell_domain::{
    id::UserId,
    live::{Connection, Connections, Push},
    ports::{LiveConnections, PortError, PushQueue},
};

pub use tickets::Ticket;

use crate::{
    http::Problem,
    update::{TooManyConflicts, Update, is_own},
};

/// Why something about live connections failed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Other connections of the user changed at the same time, too often.
    #[error("too many conflicts")]
    Busy,
}

impl From<TooManyConflicts> for LiveError {
    fn from(_: TooManyConflicts) -> Self {
        Self::Busy
    }
}

impl From<LiveError> for Problem {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Port(error) => error.into(),
            LiveError::Busy => Self::busy(),
        }
    }
}

/// Changes the connections of a user. `change` returns `None` if there is nothing to store.
pub(crate) async fn change_connections<T>(
    store: &impl LiveConnections,
    connections: Connections,
    change: impl Fn(&mut Connections) -> Option<T>,
) -> Result<Option<T>, LiveError> {
    let user = connections.user;
    let mut update = Update::of(Some(connections));
    loop {
        // What is missing was deleted because it had expired.
        let (mut connections, expected) =
            update.attempt()?.unwrap_or_else(|| (Connections::none(user), 0));
        let Some(changed) = change(&mut connections) else { return Ok(None) };
        connections.version = expected + 1;
        let replaced = store.replace_connections(&connections, expected).await?;
        // Otherwise what this attempt has removed would not be closed.
        if is_own(&connections, &replaced) || update.is_stored(replaced) {
            return Ok(Some(changed));
        }
    }
}

/// Removes connections of a user: once this returns, no push begins to send to them. Returns their ids.
pub(crate) async fn remove_connections(
    store: &impl LiveConnections,
    user: UserId,
    is_removed: impl Fn(&Connection) -> bool,
) -> Result<Vec<String>, LiveError> {
    let connections = store.connections(user).await?;
    let removed = change_connections(store, connections, |connections| {
        let removed = connections.remove(&is_removed);
        (!removed.is_empty()).then_some(removed)
    });
    let removed = removed.await?.unwrap_or_default();
    Ok(removed.into_iter().map(|connection| connection.id).collect())
}

/// Has connections closed that were removed. If it fails, they are closed at the next message of the client.
pub(crate) async fn close(queue: &impl PushQueue, connections: Vec<String>) {
    if connections.is_empty() {
        return;
    }
    if let Err(error) = queue.enqueue_pushes(&[Push::Close { connections }]).await {
        tracing::warn!(%error, "live connections not closed");
    }
}

/// Ends connections of a user whose sessions have ended. The sessions end first: a connection that is opened at the same
/// time either finds its session ended, or is found here.
///
/// # Errors
/// [`LiveError`]. The connections get nothing more either, because their sessions have ended.
pub(crate) async fn end_connections(
    store: &impl LiveConnections,
    queue: &impl PushQueue,
    user: UserId,
    is_ended: impl Fn(&Connection) -> bool,
) -> Result<(), LiveError> {
    close(queue, remove_connections(store, user, is_ended).await?).await;
    Ok(())
}
