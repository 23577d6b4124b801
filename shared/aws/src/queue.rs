//! SQS: delivers each timer to the worker at its time.

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use jiff::Timestamp;
use taskbell_domain::{
    ports::{PortError, TimerQueue},
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

/// The queue of the worker that sends reminders.
#[derive(Clone)]
pub struct SqsTimerQueue {
    client: Client,
    url: String,
}

impl SqsTimerQueue {
    /// `url` is the URL of the queue.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

impl TimerQueue for SqsTimerQueue {
    async fn enqueue(&self, timers: &[Timer], now: Timestamp) -> Result<Vec<Timer>, PortError> {
        const OPERATION: &str = "enqueueing timers";
        let mut queued = Vec::with_capacity(timers.len());
        for batch in timers.chunks(MAX_BATCH) {
            let mut request = self.client.send_message_batch().queue_url(&self.url);
            for (index, timer) in batch.iter().enumerate() {
                let body = serde_json::to_string(timer).map_err(|e| invalid_request(OPERATION, e))?;
                // At most 900, so the conversion cannot fail.
                let delay = i32::try_from(timer.delay_seconds(now).min(MAX_DELAY)).unwrap_or_default();
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .delay_seconds(delay)
                    .build()
                    .map_err(|e| invalid_request(OPERATION, e))?;
                request = request.entries(entry);
            }
            let answer = request.send_boxed().await.map_err(port_error(OPERATION))?;
            let accepted =
                answer.successful().iter().filter_map(|entry| entry.id().parse::<usize>().ok());
            queued.extend(accepted.filter_map(|index| batch.get(index).copied()));
        }
        Ok(queued)
    }
}
