//! Timers and the queue of timers that are due.

use std::future::Future;

use jiff::Timestamp;

use super::PortError;
use crate::timer::Timer;

/// The number of shards that timers are distributed over, so that timers of one minute do not overload one of them.
pub const TIMER_SHARDS: u8 = 16;

/// A page of timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerPage {
    /// The timers, earliest first.
    pub timers: Vec<Timer>,
    /// The last timer that was read. `None` on the last page.
    pub next: Option<Timer>,
}

/// Reads timers by time.
pub trait Timers: Send + Sync {
    /// The timers of one shard up to and including `until`, after `after`.
    fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> impl Future<Output = Result<TimerPage, PortError>> + Send;

    /// Moves a timer to `to`, where the next dispatch run finds it. If the target has another timer by now, nothing happens.
    fn postpone(
        &self,
        timer: Timer,
        to: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Delivers timers to the worker at their time.
pub trait TimerQueue: Send + Sync {
    /// Queues timers so that each is delivered at its time, or at once if the time has passed. Returns the timers that were
    /// accepted. Others may have been queued too.
    fn enqueue(
        &self,
        timers: &[Timer],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Timer>, PortError>> + Send;
}
