//! Queues timers that fire before the dispatcher would find them.

use jiff::Timestamp;
use taskbell_domain::{
    ports::TimerQueue,
    timer::{DISPATCH_HORIZON, Timer},
};

/// Queues the timers that fire within [`DISPATCH_HORIZON`]: the dispatcher may be too late for them. A failure is only
/// logged, because the dispatcher finds the timers in the index anyway, only later.
pub(crate) async fn enqueue_if_soon(
    queue: &impl TimerQueue,
    timers: impl IntoIterator<Item = Option<Timer>>,
    now: Timestamp,
) {
    let soon: Vec<_> =
        timers.into_iter().flatten().filter(|t| t.at <= now + DISPATCH_HORIZON).collect();
    if soon.is_empty() {
        return;
    }
    if let Err(error) = queue.enqueue(&soon, now).await {
        tracing::warn!(timers = soon.len(), %error, "timers not queued, left to the dispatcher");
    }
}
