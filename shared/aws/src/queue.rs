//! SQS: delivers each timer to the worker at its time, and pushes to `push-changes`.

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    feed::{Change, FeedEntry, Operation},
    id::{SpaceId, UserId},
    live::Push,
    ports::{PortError, PushQueue, TimerQueue},
    timer::Timer,
};

use crate::{
    error::{invalid_request, port_error},
    send_boxed::SendBoxed,
};

/// The limit of messages per call.
///
/// Source: "SendMessageBatch", Amazon SQS API reference.
const MAX_BATCH: usize = 10;

/// The longest delay of a message, in seconds.
///
/// Source: "SendMessage", `DelaySeconds`, Amazon SQS API reference.
const MAX_DELAY: i64 = 900;

/// How long the closing of connections is delayed, in seconds.
const CLOSE_DELAY: i32 = 2;

/// A message.
struct Message {
    body: String,
    /// In seconds.
    delay: i32,
    /// Whose messages are delivered later if there are very many
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>).
    group: Option<String>,
}

/// A queue.
#[derive(Clone)]
struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Sends up to [`MAX_BATCH`] messages. Returns the places of those that were accepted.
    async fn send(
        &self,
        operation: &'static str,
        messages: impl Iterator<Item = Result<Message, serde_json::Error>>,
    ) -> Result<Vec<usize>, PortError> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (place, message) in messages.enumerate() {
            let Message { body, delay, group } = message.map_err(|e| invalid_request(operation, e))?;
            let entry = SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(body)
                .delay_seconds(delay)
                .set_message_group_id(group)
                .build()
                .map_err(|e| invalid_request(operation, e))?;
            request = request.entries(entry);
        }
        let answer = request.send_boxed().await.map_err(port_error(operation))?;
        Ok(answer.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect())
    }
}

/// The queue of the worker that sends reminders.
#[derive(Clone)]
pub struct SqsTimerQueue(Queue);

impl SqsTimerQueue {
    /// `url` is the URL of the queue.
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url })
    }
}

impl TimerQueue for SqsTimerQueue {
    async fn enqueue(&self, timers: &[Timer], now: Timestamp) -> Result<Vec<Timer>, PortError> {
        let mut queued = Vec::with_capacity(timers.len());
        for batch in timers.chunks(MAX_BATCH) {
            let messages = batch.iter().map(|timer| {
                // At most 900, so the conversion cannot fail.
                let delay = i32::try_from(timer.delay_seconds(now).min(MAX_DELAY)).unwrap_or_default();
                Ok(Message { body: serde_json::to_string(timer)?, delay, group: None })
            });
            let accepted = self.0.send("enqueueing timers", messages).await?;
            queued.extend(accepted.into_iter().filter_map(|place| batch.get(place).copied()));
        }
        Ok(queued)
    }
}

/// The queue of `push-changes`.
#[derive(Clone)]
pub struct SqsPushQueue(Queue);

impl SqsPushQueue {
    /// `url` is the URL of the queue.
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url })
    }
}

impl PushQueue for SqsPushQueue {
    async fn enqueue_pushes(&self, pushes: &[Push]) -> Result<(), PortError> {
        let sent = pushes.chunks(MAX_BATCH).map(async |batch| {
            let messages = batch.iter().map(|push| {
                let (delay, group) = match push {
                    Push::Changes { space, .. } => (0, Some(space.body())),
                    Push::Left { .. } => (0, None),
                    // What is still connecting cannot be closed.
                    Push::Close { .. } => (CLOSE_DELAY, None),
                };
                Ok(Message { body: serde_json::to_string(&PushForm::from(push))?, delay, group })
            });
            self.0.send("enqueueing pushes", messages).await
        });
        try_join_all(sent).await.map(drop)
    }
}

/// A push in a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PushForm {
    Changes { space: SpaceId, entries: Vec<EntryForm>, recorded_at: Timestamp },
    Left { users: Vec<UserId>, recorded_at: Timestamp },
    Close { connections: Vec<String> },
}

/// An entry of a feed: its number, the subject, the operation and the version.
#[derive(Serialize, Deserialize)]
struct EntryForm(u64, String, String, u64);

impl From<&Push> for PushForm {
    fn from(push: &Push) -> Self {
        let entry = |FeedEntry { sequence, change }: &FeedEntry| {
            let operation = change.operation.as_str().to_owned();
            EntryForm(*sequence, change.subject.to_string(), operation, change.version)
        };
        match push.clone() {
            Push::Changes { space, entries, recorded_at } => {
                Self::Changes { space, entries: entries.iter().map(entry).collect(), recorded_at }
            }
            Push::Left { users, recorded_at } => Self::Left { users, recorded_at },
            Push::Close { connections } => Self::Close { connections },
        }
    }
}

/// Reads a message of the queue. `None` if it is not valid.
pub fn parse_push(message: &str) -> Option<Push> {
    let entry = |EntryForm(sequence, subject, operation, version): EntryForm| {
        let (subject, operation) = (subject.parse().ok()?, Operation::parse(&operation).ok()?);
        // The id of the record matters only for the feed.
        let change = Change { id: String::new(), subject, operation, version };
        Some(FeedEntry { sequence, change })
    };
    Some(match serde_json::from_str(message).ok()? {
        PushForm::Changes { space, entries, recorded_at } => {
            let entries = entries.into_iter().map(entry).collect::<Option<_>>()?;
            Push::Changes { space, entries, recorded_at }
        }
        PushForm::Left { users, recorded_at } => Push::Left { users, recorded_at },
        PushForm::Close { connections } => Push::Close { connections },
    })
}
