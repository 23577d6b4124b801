//! `push-changes`, from its queue: sends changes to the live connections of the members of their space.
//!
//! Nothing waits for it, and what it cannot send in time is dropped: clients notice the gap and read the feed.

use std::time::Duration;

use futures_util::{StreamExt as _, future::try_join_all, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use taskbell_domain::{
    clock::Clock,
    feed::{FeedEntry, Operation, Subject},
    id::{SpaceId, UserId},
    live::{CONNECTION_LIFETIME, Connection, Push, is_pushable},
    policy::known_role,
    ports::{
        AccountStates, Comments, LiveChannel, LiveConnections, PortError, Reached, Sessions, SpaceReads,
    },
    space::{Role, Space},
};
use tokio::time::timeout;

use super::{connect_live::is_authorized, disconnect_live::forget};
use crate::{
    handlers::{
        changes::objects::{Found, find, raw},
        spaces::space_view,
    },
    http::Problem,
    live::LiveError,
};

/// Larger objects are left out of messages, which API Gateway limits to frames of 32 KB. In bytes.
const MAX_DATA: usize = 24 * 1024;

/// How many messages one push sends at most. Otherwise only the last change is sent.
const MAX_MESSAGES: usize = 2_000;

/// How many pushes are handled at the same time: each holds its objects in memory.
const PARALLEL_PUSHES: usize = 3;

/// With how many connections a push is busy at the same time.
const PARALLEL: usize = 50;

/// How long a connection may take to accept its messages, and how long a push may take. The rest is dropped.
const PATIENCE_OF_ONE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// How long API Gateway may not know a connection yet that `connect-live` has stored. It accepts messages once that function has
/// answered (<https://repost.aws/knowledge-center/410-gone-api-gateway>).
const OPENING: SignedDuration = SignedDuration::from_secs(15);

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
    /// Messages that were not, to connections that may not have ended.
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

/// What pushing needs from the store.
pub trait PushStore: LiveConnections + SpaceReads + Comments + Sessions + AccountStates {}
impl<S: LiveConnections + SpaceReads + Comments + Sessions + AccountStates> PushStore for S {}

/// Handles pushes, each independently.
pub async fn handle(
    store: &impl PushStore,
    channel: &impl LiveChannel,
    clock: &dyn Clock,
    pushes: Vec<Push>,
) -> Pushed {
    let handled = pushes.into_iter().map(async |push| {
        let mut pushed = Pushed::default();
        if timeout(PATIENCE, handle_one(store, channel, clock, push, &mut pushed)).await.is_err() {
            tracing::warn!("changes not pushed in time");
        }
        pushed
    });
    let mut handled = stream::iter(handled).buffer_unordered(PARALLEL_PUSHES);
    let mut all = Pushed::default();
    while let Some(pushed) = handled.next().await {
        all += pushed;
    }
    let Pushed { sent, dropped, gone } = all;
    if all != Pushed::default() {
        tracing::info!(
            PushesSent = (sent > 0).then_some(sent),
            PushesDropped = (dropped > 0).then_some(dropped),
            gone,
            "changes pushed"
        );
    }
    all
}

/// Handles a push. `pushed` is right at any time, also when the push is given up.
async fn handle_one(
    store: &impl PushStore,
    channel: &impl LiveChannel,
    clock: &dyn Clock,
    push: Push,
    pushed: &mut Pushed,
) {
    let is_recent = |recorded_at: Timestamp| is_pushable(recorded_at, clock.now());
    let handled = match push {
        Push::Changes { space, entries, recorded_at } if is_recent(recorded_at) => {
            pushed.dropped = entries.len();
            push_entries(store, channel, clock, space, &entries, pushed).await
        }
        Push::Left { users, recorded_at } if is_recent(recorded_at) => {
            async {
                let found = store.connections_of(&users).await?.into_iter();
                let open = found.flat_map(|connections| connections.open);
                close(channel, open.map(|connection| connection.id)).await;
                Ok(())
            }
            .await
        }
        Push::Close { connections } => {
            close(channel, connections.into_iter()).await;
            Ok(())
        }
        Push::Changes { .. } | Push::Left { .. } => Ok(()),
    };
    if let Err(problem) = handled {
        // The cause was logged where it arose.
        tracing::warn!(code = problem.code, "changes not pushed");
    }
}

async fn close(channel: &impl LiveChannel, connections: impl Iterator<Item = String>) {
    let close = async |connection: String| {
        if let Err(error) = channel.close(&connection).await {
            tracing::warn!(%error, "live connection not closed");
        }
    };
    let mut closing = stream::iter(connections.map(close)).buffer_unordered(PARALLEL);
    while closing.next().await.is_some() {}
}

/// Sends entries of a feed to those members of its space who are connected.
async fn push_entries(
    store: &impl PushStore,
    channel: &impl LiveChannel,
    clock: &dyn Clock,
    space: SpaceId,
    entries: &[FeedEntry],
    pushed: &mut Pushed,
) -> Result<(), Problem> {
    let members: Vec<_> = match store.space_and_members(space).await? {
        Some((_, members)) => members.iter().map(|member| member.user).collect(),
        None => vec![space.personal_owner()],
    };
    let (found, now) = (store.connections_of(&members).await?, clock.now());
    let open = found.into_iter().flat_map(|found| {
        let open = found.open.into_iter().filter(|open| open.expires_at > now);
        open.map(move |open| (found.user, open))
    });
    let open: Vec<_> = open.collect();
    if open.is_empty() {
        *pushed = Pushed::default();
        return Ok(());
    }
    let entries = match open.len() * entries.len() > MAX_MESSAGES {
        true => entries.last().map_or(entries, std::slice::from_ref),
        false => entries,
    };
    pushed.dropped = open.len() * entries.len();
    let objects = entries.iter().map(|entry| find(store, space, entry.change.subject));
    let objects = try_join_all(objects).await?;
    let push = PushToOne { store, channel, clock, space, entries, objects: &objects };
    let sends = open.iter().map(|(user, connection)| push.send(*user, connection));
    let mut sends = stream::iter(sends).buffer_unordered(PARALLEL);
    while let Some(one) = sends.next().await {
        pushed.dropped -= entries.len();
        *pushed += one;
    }
    Ok(())
}

/// A push to each of several connections.
struct PushToOne<'a, S, C> {
    store: &'a S,
    channel: &'a C,
    clock: &'a dyn Clock,
    space: SpaceId,
    entries: &'a [FeedEntry],
    objects: &'a [Found],
}

impl<S: PushStore, C: LiveChannel> PushToOne<'_, S, C> {
    /// Sends the messages to a connection, in their order, if the user may still get them. That is read directly before, and
    /// together with what other connections need at the moment.
    async fn send(&self, user: UserId, connection: &Connection) -> Pushed {
        let (messages, mut pushed) = (self.entries.len(), Pushed::default());
        match timeout(PATIENCE_OF_ONE, self.try_send(user, connection, &mut pushed.sent)).await {
            Ok(Ok(Reached::Yes)) => {}
            Ok(Ok(Reached::Gone)) => pushed.gone = 1,
            // A client that notices the gap reads the feed.
            Ok(Err(error)) => {
                tracing::warn!(%error, "changes not pushed");
                pushed.dropped = messages - pushed.sent;
            }
            Err(_) => {
                tracing::warn!("changes not pushed in time");
                pushed.dropped = messages - pushed.sent;
            }
        }
        pushed
    }

    async fn try_send(
        &self,
        user: UserId,
        connection: &Connection,
        sent: &mut usize,
    ) -> Result<Reached, LiveError> {
        let Self { store, channel, clock, space, .. } = *self;
        let (is_authorized, seen) =
            futures_util::try_join!(is_authorized(store, clock, user, connection), async {
                Ok(self.space_of(user).await?)
            },)?;
        let Some((shared, role)) = seen else { return Ok(Reached::Yes) };
        if !is_authorized {
            forget(store, user, &connection.id).await?;
            channel.close(&connection.id).await?;
            return Ok(Reached::Gone);
        }
        for message in messages(space, self.entries, self.objects, shared.as_ref(), role) {
            if channel.send(&connection.id, &message).await? == Reached::Gone {
                let opened_at = connection.expires_at - CONNECTION_LIFETIME;
                if clock.now().duration_since(opened_at) >= OPENING {
                    forget(store, user, &connection.id).await?;
                }
                return Ok(Reached::Gone);
            }
            *sent += 1;
        }
        Ok(Reached::Yes)
    }

    /// The space, if it is shared, and the role of the user. `None` if the user is no member.
    async fn space_of(&self, user: UserId) -> Result<Option<(Option<Space>, Role)>, PortError> {
        if let Some(role) = known_role(user, self.space) {
            return Ok(Some((None, role)));
        }
        let found = self.store.space_and_member(self.space, user).await?;
        let found = found.filter(|(space, _)| !space.deleting);
        Ok(found.map(|(space, member)| (Some(space), member.role)))
    }
}

/// The messages about entries, as a member with this role sees them.
fn messages<'a>(
    space: SpaceId,
    entries: &'a [FeedEntry],
    objects: &'a [Found],
    shared: Option<&'a Space>,
    role: Role,
) -> impl Iterator<Item = String> + 'a {
    entries.iter().zip(objects).map(move |(FeedEntry { sequence, change }, found)| {
        let view = match found {
            Found::Space => shared.and_then(|space| raw(&space_view(space, role)).ok()),
            _ => None,
        };
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
            // A task that was deleted from a space can have moved back into it.
            data: data
                .filter(|_| change.operation != Operation::Deleted)
                .map(|data| &**data)
                .filter(|data| data.get().len() <= MAX_DATA),
        };
        // Strings, numbers and JSON always serialize.
        serde_json::to_string(&message).unwrap_or_default()
    })
}
