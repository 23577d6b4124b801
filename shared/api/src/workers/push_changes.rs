//! `push-changes`, from its queue: sends changes to the live connections of the members of their space.
//!
//! Nothing waits for it, and what it cannot send in time is dropped: clients notice the gap and read the feed.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{join_all, try_join_all},
    stream, try_join,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use taskbell_domain::{
    clock::Clock,
    feed::{FeedEntry, Subject},
    id::{SpaceId, UserId},
    live::{Connection, Connections, MAX_PUSH_AGE, Push},
    ports::{Comments, LiveChannel, LiveConnections, Reached, SpaceReads},
    space::{Role, Space},
};
use tokio::time::timeout;

use super::disconnect_live::forget;
use crate::{
    handlers::{
        changes::objects::{Found, find, raw},
        spaces::space_view,
    },
    http::Problem,
};

/// Larger objects are left out of messages, which API Gateway limits to frames of 32 KB. In bytes.
const MAX_DATA: usize = 24 * 1024;

/// To how many connections messages are sent at the same time.
const PARALLEL: usize = 50;

/// How long a connection may take to accept its messages, and how long all of them together. The rest is dropped.
const PATIENCE_OF_ONE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// A message to a client.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: String,
    space: SpaceId,
    sequence: u64,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// How many messages were sent and dropped, and how many connections had ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Messages that were accepted.
    pub sent: usize,
    /// Messages that were not.
    pub dropped: usize,
    /// Connections that had ended.
    pub gone: usize,
}

impl std::ops::AddAssign for Pushed {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.dropped += other.dropped;
        self.gone += other.gone;
    }
}

/// Handles pushes at the same time, each independently.
pub async fn handle(
    store: &(impl LiveConnections + SpaceReads + Comments),
    channel: &impl LiveChannel,
    clock: &dyn Clock,
    pushes: Vec<Push>,
) -> Pushed {
    let is_recent = |recorded_at: Timestamp| clock.now().duration_since(recorded_at) <= MAX_PUSH_AGE;
    let handled = pushes.into_iter().map(async |push| match push {
        Push::Changes { space, entries, recorded_at } if is_recent(recorded_at) => {
            push_entries(store, channel, clock, space, &entries).await
        }
        Push::Left { users, recorded_at } if is_recent(recorded_at) => {
            let connections = store.connections_of(&users).await?;
            let open = connections.iter().flat_map(|connections| &connections.open);
            close(channel, open.map(|connection| connection.id.as_str())).await;
            Ok::<_, Problem>(Pushed::default())
        }
        Push::Close { connections } => {
            close(channel, connections.iter().map(String::as_str)).await;
            Ok(Pushed::default())
        }
        Push::Changes { .. } | Push::Left { .. } => Ok(Pushed::default()),
    });
    let mut all = Pushed::default();
    for result in join_all(handled).await {
        match result {
            Ok(pushed) => all += pushed,
            // The cause was logged where it arose.
            Err(problem) => tracing::warn!(code = problem.code, "changes not pushed"),
        }
    }
    all
}

async fn close(channel: &impl LiveChannel, connections: impl Iterator<Item = &str>) {
    let closed = connections.map(async |connection| {
        if let Err(error) = channel.close(connection).await {
            tracing::warn!(%error, "live connection not closed");
        }
    });
    join_all(closed).await;
}

/// Sends entries of a feed to the members of its space who are connected. Who they are is read directly before.
async fn push_entries(
    store: &(impl LiveConnections + SpaceReads + Comments),
    channel: &impl LiveChannel,
    clock: &dyn Clock,
    id: SpaceId,
    entries: &[FeedEntry],
) -> Result<Pushed, Problem> {
    let objects = entries.iter().map(|entry| find(store, id, entry.change.subject));
    let shared = async { Ok::<_, Problem>(store.space_and_members(id).await?) };
    let (objects, shared) = try_join!(try_join_all(objects), shared)?;
    let (space, roles) = match shared {
        Some((space, members)) => {
            let roles = members.iter().map(|member| (member.user, member.role));
            (Some(space), roles.collect())
        }
        None => (None, BTreeMap::from([(id.personal_owner(), Role::Owner)])),
    };
    let users: Vec<_> = roles.keys().copied().collect();
    let found = store.connections_of(&users).await?;
    let now = clock.now();
    let mut open = Vec::new();
    let mut by_role = BTreeMap::<Role, Vec<String>>::new();
    for Connections { user, open: connections, .. } in &found {
        let Some(role) = roles.get(user) else { continue };
        open.extend(
            connections.iter().filter(|one| one.expires_at > now).map(|one| (*user, *role, one)),
        );
    }
    for (_, role, _) in &open {
        if !by_role.contains_key(role) {
            by_role.insert(*role, messages(id, entries, &objects, space.as_ref(), *role)?);
        }
    }
    let sends = open.iter().map(async |(user, role, connection)| {
        let messages = by_role.get(role).map(Vec::as_slice).unwrap_or_default();
        send(store, channel, (*user, connection), messages).await
    });
    let mut sends = stream::iter(sends).buffer_unordered(PARALLEL);
    let mut pushed = Pushed::default();
    let all = async {
        while let Some(one) = sends.next().await {
            pushed += one;
        }
    };
    let _: Result<(), _> = timeout(PATIENCE, all).await;
    pushed.dropped = open.len() * entries.len() - pushed.sent;
    Ok(pushed)
}

/// Sends messages to a connection, in their order.
async fn send(
    store: &impl LiveConnections,
    channel: &impl LiveChannel,
    (user, connection): (UserId, &Connection),
    messages: &[String],
) -> Pushed {
    let mut pushed = Pushed::default();
    let all = async {
        for message in messages {
            match channel.send(&connection.id, message).await {
                Ok(Reached::Yes) => pushed.sent += 1,
                Ok(Reached::Gone) => {
                    pushed.gone += 1;
                    break;
                }
                // A client that notices the gap reads the feed.
                Err(error) => {
                    tracing::warn!(%error, "changes not pushed");
                    break;
                }
            }
        }
    };
    let _: Result<(), _> = timeout(PATIENCE_OF_ONE, all).await;
    if pushed.gone > 0
        && let Err(error) = forget(store, user, &connection.id).await
    {
        tracing::warn!(%error, "live connection not forgotten");
    }
    pushed
}

/// The messages about entries, as a member with this role sees them.
fn messages(
    space: SpaceId,
    entries: &[FeedEntry],
    objects: &[Found],
    shared: Option<&Space>,
    role: Role,
) -> Result<Vec<String>, Problem> {
    let view = shared.map(|space| raw(&space_view(space, role))).transpose()?;
    let messages = entries.iter().zip(objects).map(|(FeedEntry { sequence, change }, found)| {
        let data = match found {
            Found::Task(data) | Found::Comment(data) | Found::Member(data) => Some(data),
            Found::Space => view.as_ref(),
            Found::Removed(_) => None,
        };
        let (subject, id) = match change.subject {
            Subject::Space => ("space", space.to_string()),
            Subject::Member(user) => ("member", user.to_string()),
            Subject::Task(task) => ("task", task.to_string()),
            Subject::Comment(_, comment) => ("comment", comment.to_string()),
        };
        let message = Message {
            kind: format!("{subject}_{}", change.operation.as_str()),
            space,
            sequence: *sequence,
            id,
            version: (change.version > 0).then_some(change.version),
            data: data.map(|data| &**data).filter(|data| data.get().len() <= MAX_DATA),
        };
        serde_json::to_string(&message).map_err(|_| Problem::internal())
    });
    messages.collect()
}
