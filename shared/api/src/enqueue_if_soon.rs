//! Queueing timers that are nearer than the dispatcher's look-ahead.

use jiff::Timestamp;
use taskbell_domain::{
    ports::TimerQueue,
    timer::{DISPATCH_HORIZON, Timer},
};

/// Queues those of the timers that are so near that the dispatcher may come too late for them. Should that
/// fail, the dispatcher finds them in the index all the same, only later; so it is no error.
pub(crate) async fn enqueue_if_soon(
    queue: &impl TimerQueue,
    timers: impl IntoIterator<Item = Option<Timer>>,
    now: Timestamp,
) {
    let near: Vec<_> =
        timers.into_iter().flatten().filter(|t| t.at <= now + DISPATCH_HORIZON).collect();
    if near.is_empty() {
        return;
    }
    if let Err(error) = queue.enqueue(&near, now).await {
        tracing::warn!(timers = near.len(), %error, "near timers were left to the dispatcher");
    }
}
