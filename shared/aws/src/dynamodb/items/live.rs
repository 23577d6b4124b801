//! Live connections.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    id::{SessionId, UserId},
    live::{Connection, Connections, RedeemedTicket},
};

use super::InvalidAttribute;

/// The connections of a user.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct ConnectionsItem {
    user: UserId,
    open: Vec<ConnectionForm>,
    redeemed: Vec<TicketForm>,
    version: u64,
    /// For the time to live, in seconds since 1970.
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ConnectionForm {
    id: String,
    session: SessionId,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct TicketForm {
    id: String,
    expires_at: Timestamp,
}

impl From<&Connections> for ConnectionsItem {
    fn from(connections: &Connections) -> Self {
        let Connections { user, open, redeemed, version } = connections;
        let connection = |open: &Connection| {
            let Connection { id, session, issued_at, expires_at } = open.clone();
            ConnectionForm { id, session, issued_at, expires_at }
        };
        let ticket = |ticket: &RedeemedTicket| {
            let RedeemedTicket { id, expires_at } = ticket.clone();
            TicketForm { id, expires_at }
        };
        Self {
            user: *user,
            open: open.iter().map(connection).collect(),
            redeemed: redeemed.iter().map(ticket).collect(),
            version: *version,
            expires_at: connections.expires_at().map_or(0, Timestamp::as_second),
        }
    }
}

impl TryFrom<ConnectionsItem> for Connections {
    type Error = InvalidAttribute;

    fn try_from(item: ConnectionsItem) -> Result<Self, InvalidAttribute> {
        let connection = |form: ConnectionForm| {
            let ConnectionForm { id, session, issued_at, expires_at } = form;
            Connection { id, session, issued_at, expires_at }
        };
        let ticket = |form: TicketForm| {
            let TicketForm { id, expires_at } = form;
            RedeemedTicket { id, expires_at }
        };
        Ok(Self {
            user: item.user,
            open: item.open.into_iter().map(connection).collect(),
            redeemed: item.redeemed.into_iter().map(ticket).collect(),
            version: item.version,
        })
    }
}

/// The user of a connection.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct ConnectedUserItem {
    pub(in crate::dynamodb) user: UserId,
    /// For the time to live, in seconds since 1970.
    pub(in crate::dynamodb) expires_at: i64,
}

impl TryFrom<ConnectedUserItem> for UserId {
    type Error = InvalidAttribute;

    fn try_from(item: ConnectedUserItem) -> Result<Self, InvalidAttribute> {
        Ok(item.user)
    }
}
