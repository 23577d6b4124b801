//! `dispatch-due-timers`, every minute: queues the timers of the next two minutes, each with a delay until it fires.

use futures_util::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::Clock,
    ports::{PortError, TIMER_SHARDS, TimerQueue, Timers},
    timer::{DISPATCH_HORIZON, RECHECK_AFTER, Timer},
};

/// How many timers of a shard are postponed concurrently. All 16 shards are dispatched concurrently, too.
const BATCH: usize = 20;

/// With less time left, no more timers are queued.
const TIME_TO_END: SignedDuration = SignedDuration::from_secs(10);

/// One dispatch run. Returns how many timers it queued.
///
/// A timer is queued first and then postponed until ten minutes after it fires: a crash between the two causes a second
/// message, never a loss. The run stops before `deadline`; timers that it does not reach are still due in the next run.
///
/// # Errors
/// The first [`PortError`] of a shard, after all shards have been dispatched as far as possible.
pub async fn handle(
    timers: &impl Timers,
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Result<usize, PortError> {
    let now = clock.now();
    let shards = (0..TIMER_SHARDS).map(|shard| dispatch(shard, timers, queue, clock, now, deadline));
    let results = join_all(shards).await;
    let mut queued = 0;
    let mut failed = None;
    for result in results {
        match result {
            Ok(count) => queued += count,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    tracing::info!(queued, complete = failed.is_none(), "dispatch run finished");
    failed.map_or(Ok(queued), Err)
}

async fn dispatch(
    shard: u8,
    timers: &impl Timers,
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    now: Timestamp,
    deadline: Timestamp,
) -> Result<usize, PortError> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = timers.timers(shard, now + DISPATCH_HORIZON, after).await?;
        for some in page.timers.chunks(BATCH) {
            if clock.now() >= deadline - TIME_TO_END {
                return Ok(count);
            }
            let queued = queue.enqueue(some, clock.now()).await?;
            try_join_all(queued.iter().map(|timer| timers.postpone(*timer, recheck_at(timer, now))))
                .await?;
            count += queued.len();
        }
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

fn recheck_at(timer: &Timer, now: Timestamp) -> Timestamp {
    timer.at.max(now) + RECHECK_AFTER
}
