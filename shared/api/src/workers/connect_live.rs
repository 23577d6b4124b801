//! `connect-live`, when a client opens a WebSocket: redeems the ticket in the URL.

use http::StatusCode;
use taskbell_domain::{
    clock::Clock,
    id::UserId,
    live::{CONNECTION_LIFETIME, Connection, Connections, RedeemedTicket},
    ports::{AccountStates, LiveConnections, PushQueue, Sessions},
};

use crate::{
    http::check_state,
    links::LinkKeys,
    live::{NotChanged, Ticket, change_connections, close, remove_connections},
    tokens::Identity,
};

/// Admits a connection. Returns the status of the response; the connection is refused unless it is 200.
pub async fn handle(
    store: &(impl LiveConnections + Sessions + AccountStates),
    queue: &impl PushQueue,
    keys: &LinkKeys,
    clock: &dyn Clock,
    connection: &str,
    ticket: Option<&str>,
) -> StatusCode {
    let Some(ticket) = ticket.and_then(|text| Ticket::parse(text, keys)) else {
        return StatusCode::UNAUTHORIZED;
    };
    match redeem(store, clock, connection, ticket).await {
        Ok(Some(surplus)) => {
            close(queue, surplus).await;
            StatusCode::OK
        }
        Ok(None) => StatusCode::UNAUTHORIZED,
        Err(NotChanged::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Err(NotChanged::Store(error)) => {
            tracing::error!(%error, "live connection not opened");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Redeems a ticket for a connection, which is new or renewed. Returns the ids of the connections that are to be closed, or
/// `None` if the ticket is refused.
///
/// The session is checked after the connection was stored: one that ends at the same time either is found ended here, or
/// finds the connection.
pub(super) async fn redeem(
    store: &(impl LiveConnections + Sessions + AccountStates),
    clock: &dyn Clock,
    connection: &str,
    Ticket { identity, id, expires_at }: Ticket,
) -> Result<Option<Vec<String>>, NotChanged> {
    let (now, user) = (clock.now(), identity.user);
    if expires_at <= now {
        return Ok(None);
    }
    let connection = Connection {
        id: connection.to_owned(),
        session: identity.session,
        issued_at: identity.issued_at,
        expires_at: now + CONNECTION_LIFETIME,
    };
    let ticket = RedeemedTicket { id, connection: connection.id.clone(), expires_at };
    let redeemed = async {
        let connections = store.connections(user).await?;
        let redeem = |connections: &mut Connections| {
            connections.redeem(ticket.clone(), connection.clone(), now).ok()
        };
        change_connections(store, connections, redeem).await
    };
    let remembered = async {
        let stored = store.remember_connection(&connection.id, user, connection.expires_at).await;
        stored.map_err(NotChanged::from)
    };
    let (surplus, ()) = futures_util::try_join!(redeemed, remembered)?;
    let Some(surplus) = surplus else { return Ok(None) };
    if !is_authorized(store, clock, user, &connection).await? {
        remove_connections(store, user, |open| open.id == connection.id).await?;
        return Ok(None);
    }
    Ok(Some(surplus.into_iter().map(|connection| connection.id).collect()))
}

/// Whether the session of a connection exists, and the account permits its access token.
pub(super) async fn is_authorized(
    store: &(impl Sessions + AccountStates),
    clock: &dyn Clock,
    user: UserId,
    connection: &Connection,
) -> Result<bool, NotChanged> {
    let (has_session, state) = futures_util::try_join!(
        store.has_session(user, connection.session, clock.now()),
        store.account_state(user),
    )?;
    let Connection { session, issued_at, .. } = *connection;
    let identity = Identity { user, session, issued_at };
    Ok(has_session && state.is_some_and(|state| check_state(state, identity).is_ok()))
}
