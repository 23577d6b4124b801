//! `receive-live`, for each message of a client on a live connection: a heartbeat, or a new ticket.

use serde::Deserialize;
use serde_json::json;
use taskbell_domain::{
    clock::Clock,
    id::UserId,
    live::Connections,
    ports::{AccountStates, LiveChannel, LiveConnections, RateLimits, Sessions},
    rate_limit::{LIVE_MESSAGES, RateLimitKey},
};

use super::{
    connect_live::{Redeemed, is_authorized, redeem},
    disconnect_live::forget,
};
use crate::{
    links::LinkKeys,
    live::{LiveError, Ticket},
};

/// What a client can send.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Message {
    /// Keeps the connection open, which API Gateway closes after ten idle minutes.
    Heartbeat,
    /// Continues the connection in the session of a new ticket.
    Renew { ticket: String },
}

/// What becomes of a connection.
enum Outcome {
    Answer(serde_json::Value),
    Close,
}

/// Handles a message. The connection is closed if it is not authorized any more, or sends too much.
///
/// # Errors
/// [`LiveError`]. API Gateway sends the client an error of its own.
pub async fn handle(
    store: &(impl LiveConnections + Sessions + AccountStates + RateLimits),
    channel: &impl LiveChannel,
    keys: &LinkKeys,
    clock: &dyn Clock,
    (connection, message): (&str, &str),
) -> Result<(), LiveError> {
    let Some(user) = store.connected_user(connection).await? else {
        return Ok(channel.close(connection).await?);
    };
    match outcome(store, keys, clock, user, (connection, message)).await? {
        Outcome::Answer(answer) => {
            channel.send(connection, &answer.to_string()).await?;
        }
        Outcome::Close => {
            // Removed first: nothing more is sent, even if closing fails.
            forget(store, user, connection).await?;
            channel.close(connection).await?;
        }
    }
    Ok(())
}

async fn outcome(
    store: &(impl LiveConnections + Sessions + AccountStates + RateLimits),
    keys: &LinkKeys,
    clock: &dyn Clock,
    user: UserId,
    (connection, message): (&str, &str),
) -> Result<Outcome, LiveError> {
    let (now, key) = (clock.now(), RateLimitKey::user(user));
    let (count, connections) =
        futures_util::try_join!(store.record(&LIVE_MESSAGES, &key, 1, now), store.connections(user),)?;
    let open = connections.open.iter().find(|open| open.id == connection && open.expires_at > now);
    let Some(open) = open.filter(|_| !LIVE_MESSAGES.after(count, now).exceeded) else {
        return Ok(Outcome::Close);
    };
    Ok(match serde_json::from_str(message) {
        Ok(Message::Heartbeat) => match is_authorized(store, clock, user, open).await? {
            true => Outcome::Answer(json!({ "type": "heartbeat" })),
            false => Outcome::Close,
        },
        Ok(Message::Renew { ticket }) => {
            // A ticket of another user finds no such connection of that user.
            let redeemed = match Ticket::parse(&ticket, keys) {
                Some(ticket) => redeem(store, clock, connection, ticket, Connections::renew).await?,
                None => Redeemed::Refused,
            };
            match redeemed {
                Redeemed::Authorized(_) => Outcome::Answer(json!({ "type": "renewed" })),
                Redeemed::Refused => Outcome::Answer(refusal(
                    "invalid_ticket",
                    "The ticket is invalid, expired or already used.",
                )),
                Redeemed::Unauthorized => Outcome::Close,
            }
        }
        Err(_) => Outcome::Answer(refusal(
            "invalid_message",
            r#"A message is {"action": "heartbeat"} or {"action": "renew", "ticket": "..."}."#,
        )),
    })
}

fn refusal(code: &str, detail: &str) -> serde_json::Value {
    json!({ "type": "error", "code": code, "detail": detail })
}
