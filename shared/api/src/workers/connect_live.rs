//! `connect-live`, when a client opens a WebSocket: redeems the ticket in the URL.

use futures_util::try_join;
use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    clock::Clock,
    id::UserId,
    live::{CONNECTION_LIFETIME, Connection, Connections, RedeemedTicket, TicketRefused},
    ports::{AccountStates, LiveConnections, PushQueue, Sessions},
};

use super::disconnect_live::forget;
use crate::{
    http::check_state,
    links::LinkKeys,
    live::{LiveError, Ticket, change_connections, close},
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
    match redeem(store, clock, connection, ticket, Connections::open).await {
        Ok(Redeemed::Authorized(surplus)) => {
            close(queue, surplus).await;
            StatusCode::OK
        }
        Ok(Redeemed::Refused | Redeemed::Unauthorized) => StatusCode::UNAUTHORIZED,
        Err(LiveError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Err(LiveError::Port(error)) => {
            tracing::error!(%error, "live connection not opened");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// What became of a ticket.
pub(super) enum Redeemed {
    /// The connection belongs to its session. These others are to be closed.
    Authorized(Vec<String>),
    /// It has expired or was used, and nothing has changed.
    Refused,
    /// Its session has ended. The connection is forgotten.
    Unauthorized,
}

/// Redeems a ticket for a connection.
///
/// The session is checked after the connection was stored: one that ends at the same time either is found ended here, or
/// finds the connection.
pub(super) async fn redeem(
    store: &(impl LiveConnections + Sessions + AccountStates),
    clock: &dyn Clock,
    connection: &str,
    Ticket { identity, id, expires_at }: Ticket,
    change: impl Fn(
        &mut Connections,
        RedeemedTicket,
        Connection,
        Timestamp,
    ) -> Result<Vec<Connection>, TicketRefused>,
) -> Result<Redeemed, LiveError> {
    let (now, user) = (clock.now(), identity.user);
    let connection = Connection {
        id: connection.to_owned(),
        session: identity.session,
        issued_at: identity.issued_at,
        expires_at: now + CONNECTION_LIFETIME,
    };
    let ticket = RedeemedTicket { id, expires_at };
    // One that has expired is not worth a call.
    if ticket.has_expired(now) {
        return Ok(Redeemed::Refused);
    }
    let connections = store.connections(user).await?;
    let redeemed = change_connections(store, connections, |connections| {
        change(connections, ticket.clone(), connection.clone(), now).ok()
    });
    let Some(surplus) = redeemed.await? else { return Ok(Redeemed::Refused) };
    let remembered =
        async { Ok(store.remember_connection(&connection.id, user, connection.expires_at).await?) };
    let ((), is_authorized) = try_join!(remembered, is_authorized(store, clock, user, &connection))?;
    if !is_authorized {
        forget(store, user, &connection.id).await?;
        return Ok(Redeemed::Unauthorized);
    }
    Ok(Redeemed::Authorized(surplus.into_iter().map(|connection| connection.id).collect()))
}

/// Whether the session of a connection exists, and the account permits its access token.
pub(super) async fn is_authorized(
    store: &(impl Sessions + AccountStates),
    clock: &dyn Clock,
    user: UserId,
    connection: &Connection,
) -> Result<bool, LiveError> {
    let (has_session, state) = try_join!(
        store.has_session(user, connection.session, clock.now()),
        store.account_state(user),
    )?;
    let Connection { session, issued_at, .. } = *connection;
    let identity = Identity { user, session, issued_at };
    Ok(has_session && state.is_some_and(|state| check_state(state, identity.into()).is_ok()))
}
