//! Live connections: an item per user with all of them, and an item per connection with its user. Both expire.

use jiff::Timestamp;
use taskbell_domain::{
    id::UserId,
    live::Connections,
    ports::{LiveConnections, PortError, Replaced},
};

use super::{
    DynamoDb,
    items::{ConnectedUserItem, ConnectionsItem, build_item, parse_item},
    key_attributes, keys,
    write::Condition,
};
use crate::{error::port_error, send_boxed::SendBoxed};

const READING: &str = "reading live connections";

impl LiveConnections for DynamoDb {
    async fn connections(&self, user: UserId) -> Result<Connections, PortError> {
        let found = self.get_item(READING, &self.accounts, keys::connections(user)).await?;
        let found = found.map(|item| parse_item::<ConnectionsItem, _>(READING, item)).transpose()?;
        Ok(found.unwrap_or_else(|| Connections::none(user)))
    }

    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<Connections>, PortError> {
        let keys = users.iter().map(|user| keys::connections(*user)).collect();
        let found = self.get_items(READING, &self.accounts, keys).await?.into_iter();
        found.map(|item| parse_item::<ConnectionsItem, _>(READING, item)).collect()
    }

    async fn replace_connections(
        &self,
        connections: &Connections,
        expected: u64,
    ) -> Result<Replaced<Connections>, PortError> {
        const OPERATION: &str = "changing live connections";
        let key = keys::connections(connections.user);
        let stored = build_item(OPERATION, key, &ConnectionsItem::from(connections))?;
        let condition = match expected {
            0 => Condition::NotExists,
            version => Condition::Version(version),
        };
        self.replace_item::<ConnectionsItem, _>(OPERATION, &self.accounts, stored, condition).await
    }

    async fn connected_user(&self, connection: &str) -> Result<Option<UserId>, PortError> {
        let key = keys::connected_user(connection);
        let found = self.get_item(READING, &self.accounts, key).await?;
        found.map(|item| parse_item::<ConnectedUserItem, _>(READING, item)).transpose()
    }

    async fn remember_connection(
        &self,
        connection: &str,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<(), PortError> {
        const OPERATION: &str = "storing the user of a live connection";
        let form = ConnectedUserItem { user, expires_at: expires_at.as_second() };
        let item = build_item(OPERATION, keys::connected_user(connection), &form)?;
        let put = self.client.put_item().table_name(&self.accounts).set_item(Some(item));
        put.send_boxed().await.map(drop).map_err(port_error(OPERATION))
    }

    async fn forget_connection(&self, connection: &str) -> Result<(), PortError> {
        let key = key_attributes(keys::connected_user(connection));
        let delete = self.client.delete_item().table_name(&self.accounts).set_key(Some(key));
        delete.send_boxed().await.map(drop).map_err(port_error("forgetting a live connection"))
    }
}
