//! Queueing a timer that is nearer than the dispatcher's look-ahead.

use jiff::Timestamp;
use taskbell_domain::{ports::TimerQueue, task::Task, timer::LOOK_AHEAD};

/// Queues the task's timer if it is so near that the dispatcher may come too late for it. Should that
/// fail, the dispatcher finds the timer in the index all the same, only later; so it is no error.
pub(crate) async fn ring_soon(queue: &impl TimerQueue, task: &Task, now: Timestamp) {
    let Some(timer) = task.timer().filter(|timer| timer.at <= now + LOOK_AHEAD) else { return };
    if let Err(error) = queue.enqueue(&[timer], now).await {
        tracing::warn!(task = %task.id, %error, "a near timer was left to the dispatcher");
    }
}
