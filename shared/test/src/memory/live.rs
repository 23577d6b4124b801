//! Live connections.

use jiff::Timestamp;
use taskbell_domain::{
    id::UserId,
    live::Connections,
    ports::{LiveConnections, PortError, Replaced},
};

use super::MemoryStore;

impl LiveConnections for MemoryStore {
    async fn connections(&self, user: UserId) -> Result<Connections, PortError> {
        let found = self.data().connections.get(&user).cloned();
        Ok(found.unwrap_or_else(|| Connections::none(user)))
    }

    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<Connections>, PortError> {
        let data = self.data();
        Ok(users.iter().filter_map(|user| data.connections.get(user).cloned()).collect())
    }

    async fn replace_connections(
        &self,
        connections: &Connections,
        expected: u64,
    ) -> Result<Replaced<Connections>, PortError> {
        let mut data = self.data();
        let stored = data.connections.get(&connections.user);
        if stored.map_or(0, |stored| stored.version) != expected {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.connections.insert(connections.user, connections.clone());
        Ok(Replaced::Stored)
    }

    async fn connected_user(&self, connection: &str) -> Result<Option<UserId>, PortError> {
        Ok(self.data().connected_users.get(connection).copied())
    }

    async fn remember_connection(
        &self,
        connection: &str,
        user: UserId,
        _: Timestamp,
    ) -> Result<(), PortError> {
        self.data().connected_users.insert(connection.to_owned(), user);
        Ok(())
    }

    async fn forget_connection(&self, connection: &str) -> Result<(), PortError> {
        self.data().connected_users.remove(connection);
        Ok(())
    }
}
