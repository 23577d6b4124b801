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
    let shards = (0..TIMER_SHARDS).map(async |shard| {
        // A shard that fails has done something, too.
        let mut dispatched = Dispatched::default();
        let ended = dispatch(shard, timers, queue, clock, now, deadline, &mut dispatched).await;
        (dispatched, ended)
    });
    let results = join_all(shards).await;
    let (mut queued, mut backlog, mut failed) = (0, SignedDuration::ZERO, None);
    for result in results {
        let (shard, ended): (Dispatched, Result<(), PortError>) = result;
        queued += shard.queued;
        backlog = backlog.max(shard.backlog);
        failed = failed.or(ended.err());
    }
    tracing::info!(
        TimersDispatched = (queued > 0).then_some(queued),
        DispatchBacklog = backlog.is_positive().then_some(backlog.as_secs()),
        complete = failed.is_none(),
        "dispatch run finished"
    );
    failed.map_or(Ok(queued), Err)
}

/// What a run has done in a shard.
#[derive(Default)]
struct Dispatched {
    /// How many timers it queued.
    queued: usize,
    /// How long the oldest timer was overdue.
    backlog: SignedDuration,
}

async fn dispatch(
    shard: u8,
    timers: &impl Timers,
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    now: Timestamp,
    deadline: Timestamp,
    dispatched: &mut Dispatched,
) -> Result<(), PortError> {
    let mut after = None;
    loop {
        let page = timers.timers(shard, now + DISPATCH_HORIZON, after).await?;
        let overdue = page.timers.iter().map(|timer| now.duration_since(timer.at)).max();
        dispatched.backlog = dispatched.backlog.max(overdue.unwrap_or_default());
        for some in page.timers.chunks(BATCH) {
            if clock.now() >= deadline - TIME_TO_END {
                return Ok(());
            }
            let queued = queue.enqueue(some, clock.now()).await?;
            try_join_all(queued.iter().map(|timer| timers.postpone(*timer, recheck_at(timer, now))))
                .await?;
            dispatched.queued += queued.len();
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn recheck_at(timer: &Timer, now: Timestamp) -> Timestamp {
    timer.at.max(now) + RECHECK_AFTER
}
