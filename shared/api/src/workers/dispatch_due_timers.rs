//! `dispatch-due-timers`, every minute: puts the timers of the next two minutes on the queue, each to be
//! delivered at its moment.

use futures_util::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::Clock,
    ports::{PortError, TIMER_SHARDS, TimerQueue, Timers},
    timer::{DISPATCH_HORIZON, RECHECK_AFTER, Timer},
};

/// How many timers of a shard are postponed at a time. All shards are swept at the same time, so there are at most 16
/// times as many calls.
const AT_ONCE: usize = 20;

/// With less time than this left, nothing more is queued.
const TIME_TO_END: SignedDuration = SignedDuration::from_secs(10);

/// One sweep. Returns how many timers it queued.
///
/// A timer is queued first and postponed second, to be looked at again ten minutes after its moment: a
/// crash between the two makes a second message, never a loss. It stops before `deadline`, which is far
/// away but in the greatest rush; what it leaves is still due for the next sweep.
///
/// # Errors
/// The first [`PortError`] of a shard, after all shards have been swept as far as they could be.
pub async fn handle(
    timers: &impl Timers,
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Result<usize, PortError> {
    let now = clock.now();
    let shards = (0..TIMER_SHARDS).map(|shard| sweep(shard, timers, queue, clock, now, deadline));
    let results = join_all(shards).await;
    let mut queued = 0;
    let mut failed = None;
    for result in results {
        match result {
            Ok(count) => queued += count,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    tracing::info!(queued, complete = failed.is_none(), "swept the timers");
    failed.map_or(Ok(queued), Err)
}

async fn sweep(
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
        for some in page.timers.chunks(AT_ONCE) {
            if clock.now() >= deadline - TIME_TO_END {
                return Ok(count);
            }
            let queued = queue.enqueue(some, clock.now()).await?;
            try_join_all(queued.iter().map(|timer| timers.postpone(*timer, second_look(timer, now))))
                .await?;
            count += queued.len();
        }
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

fn second_look(timer: &Timer, now: Timestamp) -> Timestamp {
    timer.at.max(now) + RECHECK_AFTER
}
