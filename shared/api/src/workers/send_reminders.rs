//! `send-reminders`, for each message of the queue: does what is due for one timer.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::{Clock, Random},
    digest::Digest,
    notification::Notification,
    ports::{
        Digests, Directory, Mailer, Notifications, PortError, ProfileChanges, RateLimits, SpaceReads,
        SuppressedAddresses, TaskChanges, TimerQueue,
    },
    task::Task,
    timer::{Timer, TimerTarget},
};
use tracing::{Instrument as _, Span, field::Empty};

use super::Pace;
use crate::{log_id::log_id, mail::MailContext, trace::trace_id, update::TooManyConflicts};

/// Everything that the worker reads and changes.
pub trait WorkerStore:
    TaskChanges
    + Notifications
    + Digests
    + SpaceReads
    + ProfileChanges
    + Directory
    + SuppressedAddresses
    + RateLimits
{
}
impl<T> WorkerStore for T where
    T: TaskChanges
        + Notifications
        + Digests
        + SpaceReads
        + ProfileChanges
        + Directory
        + SuppressedAddresses
        + RateLimits
{
}

/// What the worker needs to handle messages.
pub struct Worker<'a, S, Q, M> {
    /// Tasks, notifications, digests and profiles.
    pub store: &'a S,
    /// The queue that the messages come from.
    pub queue: &'a Q,
    /// Sends mails.
    pub mailer: &'a M,
    /// The current time.
    pub clock: &'a dyn Clock,
    /// For ids and for the secrets in mails.
    pub random: &'a dyn Random,
    /// What all mails have in common.
    pub mail: &'a MailContext,
    /// This worker's share of the sending rate.
    pub pace: &'a Pace,
    /// When Lambda ends this invocation.
    pub deadline: Timestamp,
}

/// The time that claiming, sending and recording one mail can take. With less left, no mail is claimed: a worker that is
/// ended while it sends leaves an uncertain delivery.
pub(super) const TIME_TO_SEND: SignedDuration = SignedDuration::from_secs(20);

/// Why a message was not handled. Except for [`Unreadable`](Self::Unreadable), handling it again can succeed.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The message is not a timer; it ends in the dead-letter queue.
    #[error("not a timer message")]
    Unreadable,
    /// A call to DynamoDB or SQS failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Too little time was left to send a mail.
    #[error("out of time")]
    OutOfTime,
    /// The item kept changing while the worker handled it.
    #[error("the item kept changing")]
    TooManyConflicts,
    /// SQS did not accept the message that was to be received again later.
    #[error("the message could not be queued again")]
    NotQueued,
}

impl From<TooManyConflicts> for DeliveryError {
    fn from(_: TooManyConflicts) -> Self {
        Self::TooManyConflicts
    }
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Handles one message. Often nothing is due: the message was received before, or the item has changed or was
    /// deleted.
    ///
    /// # Errors
    /// [`DeliveryError`]; the message should then be received again.
    pub async fn handle(&self, body: &str) -> Result<(), DeliveryError> {
        let timer: Timer = serde_json::from_str(body).map_err(|_| DeliveryError::Unreadable)?;
        let item = match timer.target {
            TimerTarget::Task(id) => id.to_string(),
            TimerTarget::Notification(id) => id.to_string(),
            TimerTarget::Digest(user) => log_id(user),
        };
        Span::current().record("item", item);
        match timer.target {
            TimerTarget::Task(id) => self.run::<Task>(id, timer).await,
            TimerTarget::Notification(id) => self.run::<Notification>(id, timer).await,
            TimerTarget::Digest(id) => self.run::<Digest>(id, timer).await,
        }
    }
}

/// Handles a batch of messages concurrently, each independently of the others: only those that fail are received again.
/// (A panic ends the process, and the whole batch is received again.)
pub async fn handle_batch<S: WorkerStore, Q: TimerQueue, M: Mailer>(
    worker: &Worker<'_, S, Q, M>,
    event: SqsEvent,
) -> SqsBatchResponse {
    let results = join_all(event.records.iter().map(async |message| {
        let message_id = message.message_id.clone().unwrap_or_default();
        // SQS keeps the trace header of the call that sent the message ("Amazon SQS and AWS X-Ray", X-Ray developer guide).
        let origin = message.attributes.get("AWSTraceHeader").and_then(|header| trace_id(header));
        let span = tracing::info_span!(
            "message",
            queue_message_id = message_id,
            origin_trace_id = origin,
            item = Empty
        );
        let handling = async {
            let result = worker.handle(message.body.as_deref().unwrap_or_default()).await;
            result.map_err(|error| tracing::error!(%error, "message not handled"))
        };
        handling.instrument(span).await.map_err(|()| message_id)
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    for message_id in results.into_iter().filter_map(Result::err) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message_id;
        response.batch_item_failures.push(failure);
    }
    response
}
