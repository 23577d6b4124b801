//! Live updates: WebSocket connections of users, and what is pushed to them.
//!
//! A push is best effort. The change feed has everything, so a client that missed a push reads the feed.

use jiff::{SignedDuration, Timestamp};

use crate::{
    feed::{CLOCK_TOLERANCE, FeedEntry},
    id::{SessionId, SpaceId, UserId},
};

/// The maximum number of connections of a user. One more closes the oldest.
pub const MAX_CONNECTIONS: usize = 10;

/// How long a connection lives at most.
///
/// Source: "Quotas for configuring and running a WebSocket API in API Gateway", Amazon API Gateway developer guide.
pub const CONNECTION_LIFETIME: SignedDuration = SignedDuration::from_hours(2);

/// How long a ticket is valid.
pub const TICKET_LIFETIME: SignedDuration = SignedDuration::from_secs(30);

/// The maximum number of tickets of a user that are redeemed within about a minute.
const MAX_REDEEMED: usize = 30;

/// Older changes are not pushed: clients have read the feed since.
pub const MAX_PUSH_AGE: SignedDuration = SignedDuration::from_mins(2);

/// Whether what was recorded then is pushed.
pub fn is_pushable(recorded_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(recorded_at) <= MAX_PUSH_AGE
}

/// The maximum number of changes of a space that are pushed together. Of more, only the last one is pushed: clients notice
/// the gap, and read the feed in one request.
pub const MAX_PUSHED: usize = 20;

/// A WebSocket connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The id that API Gateway gave it.
    pub id: String,
    /// The session that it was opened in.
    pub session: SessionId,
    /// When the access token was issued that it was opened with.
    pub issued_at: Timestamp,
    /// When it has ended for certain.
    pub expires_at: Timestamp,
}

/// A ticket that was redeemed. It is remembered until after it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedeemedTicket {
    /// Its id.
    pub id: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl RedeemedTicket {
    /// Whether it has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// The connections of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// The user.
    pub user: UserId,
    /// The connections, oldest first. Some may have ended without notice.
    pub open: Vec<Connection>,
    /// The tickets that were redeemed lately.
    pub redeemed: Vec<RedeemedTicket>,
    /// The number of changes.
    pub version: u64,
}

/// A ticket was refused: it has expired or was redeemed, or too many were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ticket was refused")]
pub struct TicketRefused;

impl Connections {
    /// No connections.
    pub fn none(user: UserId) -> Self {
        Self { user, open: Vec::new(), redeemed: Vec::new(), version: 0 }
    }

    /// Redeems a ticket for a new connection. Returns the connections that are to be closed.
    ///
    /// # Errors
    /// [`TicketRefused`].
    pub fn open(
        &mut self,
        ticket: RedeemedTicket,
        connection: Connection,
        now: Timestamp,
    ) -> Result<Vec<Connection>, TicketRefused> {
        self.redeem(ticket, now)?;
        self.open.retain(|open| open.expires_at > now && open.id != connection.id);
        self.open.push(connection);
        let surplus = self.open.len().saturating_sub(MAX_CONNECTIONS);
        Ok(self.open.drain(..surplus).collect())
    }

    /// Redeems a ticket for a connection that is open already. Returns nothing: there are no more connections than before.
    ///
    /// # Errors
    /// [`TicketRefused`], also if the connection is not open.
    pub fn renew(
        &mut self,
        ticket: RedeemedTicket,
        connection: Connection,
        now: Timestamp,
    ) -> Result<Vec<Connection>, TicketRefused> {
        let place = self.open.iter().position(|open| open.id == connection.id).ok_or(TicketRefused)?;
        self.redeem(ticket, now)?;
        self.open[place] = connection;
        Ok(Vec::new())
    }

    fn redeem(&mut self, ticket: RedeemedTicket, now: Timestamp) -> Result<(), TicketRefused> {
        // Longer than it is valid, because another function's clock can be slow.
        self.redeemed.retain(|redeemed| redeemed.expires_at + CLOCK_TOLERANCE > now);
        let is_used = self.redeemed.iter().any(|redeemed| redeemed.id == ticket.id);
        if is_used || ticket.has_expired(now) || self.redeemed.len() >= MAX_REDEEMED {
            return Err(TicketRefused);
        }
        self.redeemed.push(ticket);
        Ok(())
    }

    /// Removes connections. Returns them.
    pub fn remove(&mut self, is_removed: impl Fn(&Connection) -> bool) -> Vec<Connection> {
        self.open.extract_if(.., |connection| is_removed(connection)).collect()
    }

    /// When nothing of this matters any more.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let tickets = self.redeemed.iter().map(|ticket| ticket.expires_at + CLOCK_TOLERANCE);
        self.open.iter().map(|connection| connection.expires_at).chain(tickets).max()
    }
}

/// What `push-changes` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Push {
    /// Sends changes of a space to its members.
    Changes {
        /// The space.
        space: SpaceId,
        /// Consecutive entries of its feed.
        entries: Vec<FeedEntry>,
        /// When the first one was recorded.
        recorded_at: Timestamp,
    },
    /// Closes the connections of users who have left a space, so that their clients notice.
    Left {
        /// The users.
        users: Vec<UserId>,
        /// When it was recorded.
        recorded_at: Timestamp,
    },
    /// Closes connections that get nothing any more.
    Close {
        /// Their ids.
        connections: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01JQ0000000000000000000001";

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn none() -> Connections {
        Connections::none(UserId::from_body(ID).unwrap())
    }

    fn connection(number: usize) -> Connection {
        Connection {
            id: format!("connection {number}"),
            session: SessionId::from_body(ID).unwrap(),
            issued_at: now(),
            expires_at: now() + CONNECTION_LIFETIME,
        }
    }

    fn ticket(number: usize) -> RedeemedTicket {
        RedeemedTicket { id: format!("ticket {number}"), expires_at: now() + TICKET_LIFETIME }
    }

    fn names(connections: &[Connection]) -> Vec<&str> {
        connections.iter().map(|connection| connection.id.as_str()).collect()
    }

    #[test]
    fn the_eleventh_connection_closes_the_oldest() {
        let mut connections = none();
        for number in 1..=MAX_CONNECTIONS {
            assert_eq!(connections.open(ticket(number), connection(number), now()), Ok(vec![]));
        }
        // A connection that is renewed is no additional one, and keeps its place.
        assert_eq!(connections.renew(ticket(20), connection(1), now()), Ok(vec![]));
        let closed = connections.open(ticket(11), connection(11), now()).unwrap();
        assert_eq!(names(&closed), ["connection 1"]);
        assert_eq!(connections.open.len(), MAX_CONNECTIONS);
    }

    #[test]
    fn a_ticket_is_redeemed_once_and_before_it_expires() {
        let mut connections = none();
        connections.open(ticket(1), connection(1), now()).unwrap();
        assert_eq!(connections.open(ticket(1), connection(2), now()), Err(TicketRefused));
        let late = now() + TICKET_LIFETIME;
        assert_eq!(connections.open(ticket(1), connection(2), late), Err(TicketRefused));
        assert_eq!(connections.open(ticket(2), connection(2), late), Err(TicketRefused));
        let just = late - SignedDuration::from_secs(1);
        assert_eq!(connections.open(ticket(1), connection(2), just), Err(TicketRefused));
        connections.remove(|_| true);
        assert_eq!(connections.open(ticket(1), connection(2), just), Err(TicketRefused));
        assert_eq!(connections.open(ticket(1), connection(1), just), Err(TicketRefused));
        assert_eq!(connections.renew(ticket(1), connection(1), just), Err(TicketRefused));
        // One that was closed meanwhile is not opened again.
        assert_eq!(connections.renew(ticket(3), connection(1), just), Err(TicketRefused));
        assert_eq!(names(&connections.open), [""; 0]);
    }

    #[test]
    fn only_so_many_tickets_are_redeemed_at_a_time_and_remembered_until_they_expire() {
        let mut connections = none();
        for number in 0..MAX_REDEEMED {
            connections.open(ticket(number), connection(number), now()).unwrap();
        }
        let more = || (ticket(50), connection(50));
        let redeem = |connections: &mut Connections, (ticket, connection), at| {
            connections.open(ticket, connection, at)
        };
        assert_eq!(redeem(&mut connections, more(), now()), Err(TicketRefused));
        assert_eq!(connections.expires_at(), Some(now() + CONNECTION_LIFETIME));
        let later = now() + TICKET_LIFETIME + CLOCK_TOLERANCE;
        let (mut next, connection) = more();
        next.expires_at = later + TICKET_LIFETIME;
        connections.open(next, connection, later).unwrap();
        assert_eq!(connections.redeemed.len(), 1);
        connections.remove(|_| true);
        assert_eq!(connections.expires_at(), Some(later + TICKET_LIFETIME + CLOCK_TOLERANCE));
    }

    #[test]
    fn connections_that_have_expired_are_forgotten() {
        let mut connections = none();
        connections.open(ticket(1), connection(1), now()).unwrap();
        let later = now() + CONNECTION_LIFETIME;
        let expires_at = later + TICKET_LIFETIME;
        let next = RedeemedTicket { expires_at, ..ticket(2) };
        let connection = Connection { expires_at, ..connection(2) };
        assert_eq!(connections.open(next, connection, later), Ok(vec![]));
        assert_eq!(names(&connections.open), ["connection 2"]);
        assert_eq!(connections.version, 0);
    }
}
