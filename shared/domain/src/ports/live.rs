//! Live connections, and what is pushed to them.

use std::future::Future;

use jiff::Timestamp;

use super::{PortError, Replaced};
use crate::{
    id::UserId,
    live::{Connections, Push},
};

/// Stores live connections.
pub trait LiveConnections: Send + Sync {
    /// The connections of a user. Strongly consistent.
    fn connections(&self, user: UserId) -> impl Future<Output = Result<Connections, PortError>> + Send;

    /// The connections of those of the users who have any. Strongly consistent.
    fn connections_of(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<Connections>, PortError>> + Send;

    /// Stores the connections of a user if the stored ones still have the version `expected`, which is 0 if there are none.
    fn replace_connections(
        &self,
        connections: &Connections,
        expected: u64,
    ) -> impl Future<Output = Result<Replaced<Connections>, PortError>> + Send;

    /// The user of a connection. `None` if it is not known.
    fn connected_user(
        &self,
        connection: &str,
    ) -> impl Future<Output = Result<Option<UserId>, PortError>> + Send;

    /// Stores the user of a connection until `expires_at`.
    fn remember_connection(
        &self,
        connection: &str,
        user: UserId,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes what [`Self::remember_connection`] stored. That it is missing is not an error.
    fn forget_connection(&self, connection: &str)
    -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Queues what `push-changes` does.
pub trait PushQueue: Send + Sync {
    /// Queues pushes. Some may have been queued if it fails.
    fn enqueue_pushes(&self, pushes: &[Push]) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Whether a connection exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The message was accepted for it.
    Yes,
    /// It has ended.
    Gone,
}

/// Sends to connections, and closes them.
pub trait LiveChannel: Send + Sync {
    /// Sends a message, without retries.
    fn send(
        &self,
        connection: &str,
        message: &str,
    ) -> impl Future<Output = Result<Reached, PortError>> + Send;

    /// Closes a connection. One that has ended is not an error.
    fn close(&self, connection: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}
