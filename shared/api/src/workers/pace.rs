//! Keeps workers under the rate at which SES lets an account send.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::Random,
    ports::{Mailer, PortError, TimerQueue},
    timer::{RECHECK_AFTER, Timer},
};

use super::send_reminders::{DeliveryError, TIME_TO_SEND, Worker, WorkerStore};

/// The longest time between two mails of a worker. With a longer one most messages of a batch would go back to the
/// queue unsent, again and again.
const MAX_INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// When a message comes back for which this invocation has no turn left; up to 31 seconds are added, by subject, so that
/// a full queue does not come back all at once.
const REQUEUE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// One worker's share of the account's sending rate. It is divided evenly, so that workers need not ask each other.
pub struct Pace {
    interval: SignedDuration,
    /// When the next mail may be sent. It outlives an invocation: the next one may begin at once.
    next: Mutex<Timestamp>,
}

impl Pace {
    /// The share of each of so many workers that together send so many mails in a second; nothing if a worker would send
    /// less than one mail in five seconds.
    pub fn new(mails_per_second: u32, workers: u32) -> Option<Self> {
        let nanoseconds = (u64::from(workers) * 1_000_000_000).div_ceil(mails_per_second.max(1).into());
        let interval = SignedDuration::from_nanos(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        (interval <= MAX_INTERVAL).then(|| Self { interval, next: Mutex::new(Timestamp::MIN) })
    }

    /// No limit: for tests of other things, and for mailers that have none.
    pub fn unlimited() -> Self {
        Self { interval: SignedDuration::ZERO, next: Mutex::new(Timestamp::MIN) }
    }

    /// Lets the first turn come at a random time within the interval, so that workers that start together do not send
    /// together.
    #[must_use]
    pub fn staggered(self, now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or_default().max(1);
        let part = i64::try_from(u64::from_le_bytes(bytes) % interval).unwrap_or_default();
        Self { next: Mutex::new(now + SignedDuration::from_nanos(part)), ..self }
    }

    /// Takes the next turn to send and tells its time; nothing if that is after `latest`.
    fn take_turn(&self, now: Timestamp, latest: Timestamp) -> Option<Timestamp> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        if turn > latest {
            return None;
        }
        *next = turn + self.interval;
        Some(turn)
    }
}

/// What to do with a mail that is due.
pub(super) enum Turn {
    /// Claim and send it.
    Send,
    /// Look again what is due, and then send it: there was a wait in which things may have changed.
    SendAfterRead,
    /// Leave it: its message comes again.
    Leave,
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Waits for the worker's turn to send a mail that has been due since `due`. This is before the mail is claimed: so
    /// a wait costs no write, and takes nothing of the lease. What finds no turn in this invocation goes back to the
    /// queue, or, once the dispatcher has queued it again, is left to that message. `wanted` says whether anybody is to
    /// get the mail: it is asked only where others wait, so that they do not wait for mails that are not sent.
    ///
    /// # Errors
    /// [`DeliveryError::OutOfTime`] if nothing can be sent in this invocation any more, and those of the queue and of `wanted`.
    pub(super) async fn turn(
        &self,
        timer: Timer,
        due: Timestamp,
        wanted: impl Future<Output = Result<bool, PortError>>,
    ) -> Result<Turn, DeliveryError> {
        let (now, latest) = (self.clock.instant(), self.deadline - TIME_TO_SEND);
        if now > latest {
            return Err(DeliveryError::OutOfTime);
        }
        if self.pace.take_turn(now, now).is_some() {
            return Ok(Turn::Send);
        }
        if !wanted.await? {
            return Ok(Turn::Send);
        }
        if let Some(turn) = self.pace.take_turn(now, latest) {
            let wait = Duration::try_from(turn.duration_since(now)).unwrap_or_default();
            tokio::time::sleep(wait).await;
            return Ok(Turn::SendAfterRead);
        }
        let now = self.clock.now();
        if now < due + RECHECK_AFTER {
            let jitter = SignedDuration::from_secs(timer.subject.jitter_seed().into());
            self.requeue(Timer { at: now + REQUEUE_AFTER + jitter, ..timer }, now).await?;
        }
        Ok(Turn::Leave)
    }
}

#[cfg(test)]
mod tests {
    use taskbell_test::SeededRandom;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    #[test]
    fn a_worker_sends_no_faster_than_its_share() {
        // Two workers of a new account: each sends a mail every two seconds.
        let pace = Pace::new(1, 2).unwrap();
        let turns = [at(0), at(1), at(2), at(5_000)].map(|now| pace.take_turn(now, at(60_000)));
        assert_eq!(turns, [at(0), at(2_000), at(4_000), at(6_000)].map(Some));
        // Time that passes without mails is not saved up.
        assert_eq!(pace.take_turn(at(30_000), at(60_000)), Some(at(30_000)));
        assert_eq!(pace.take_turn(at(30_000), at(60_000)), Some(at(32_000)));
        let quick = Pace::new(14, 5).unwrap();
        let turns: Vec<_> = (0..29).filter_map(|_| quick.take_turn(at(0), at(60_000))).collect();
        // Five workers times 14 fifths in a second are 14.
        assert_eq!(turns.iter().filter(|turn| **turn < at(5_000)).count(), 14);
    }

    #[test]
    fn a_turn_that_comes_too_late_is_not_taken() {
        let pace = Pace::new(1, 2).unwrap();
        assert_eq!(pace.take_turn(at(0), at(1_000)), Some(at(0)));
        assert_eq!(pace.take_turn(at(0), at(1_000)), None);
        assert_eq!(pace.take_turn(at(0), at(3_000)), Some(at(2_000)), "it is still there for another");
    }

    #[test]
    fn more_workers_than_the_rate_can_feed_are_refused() {
        assert!(Pace::new(1, 5).is_some() && Pace::new(14, 70).is_some());
        assert!(
            Pace::new(1, 6).is_none() && Pace::new(14, 71).is_none() && Pace::new(1, 1_000).is_none()
        );
    }

    #[test]
    fn workers_that_start_together_do_not_send_together() {
        let first = |seed| {
            let pace = Pace::new(1, 5).unwrap().staggered(at(0), &SeededRandom::new(seed));
            pace.take_turn(at(0), at(60_000)).unwrap()
        };
        let turns: Vec<_> = (0..20).map(first).collect();
        assert!(turns.iter().all(|turn| (at(0)..at(5_000)).contains(turn)), "{turns:?}");
        assert!(turns.iter().filter(|turn| **turn < at(1_000)).count() < 10, "{turns:?}");
    }
}
