//! `disconnect-live`, when a WebSocket has ended. API Gateway does not promise to report it: other connections are removed
//! when a push does not reach them, or when they expire.

use taskbell_domain::{id::UserId, ports::LiveConnections};

use crate::live::{LiveError, remove_connections};

/// Removes a connection.
///
/// # Errors
/// If the store fails, or the connections of the user change too often at the same time.
pub async fn handle(store: &impl LiveConnections, connection: &str) -> Result<(), LiveError> {
    let Some(user) = store.connected_user(connection).await? else { return Ok(()) };
    forget(store, user, connection).await
}

/// Removes a connection of a user.
pub(super) async fn forget(
    store: &impl LiveConnections,
    user: UserId,
    connection: &str,
) -> Result<(), LiveError> {
    let forgotten = async { Ok(store.forget_connection(connection).await?) };
    let removed = remove_connections(store, user, |open| open.id == connection);
    futures_util::try_join!(removed, forgotten).map(drop)
}
