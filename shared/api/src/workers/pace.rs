//! Keeps the workers within the rate at which SES lets the account send.

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

/// The longest interval between two mails of a worker. With a longer one, most messages of a batch would return to the
/// queue unsent, again and again.
const MAX_INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// The delay of a message for which this invocation has no send slot left. Up to 31 seconds are added, by target, so that
/// a full queue does not return all at once.
const REQUEUE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// One worker's share of the account's sending rate. The rate is divided evenly, so workers need no coordination.
pub struct Pace {
    interval: SignedDuration,
    /// The next free send slot. It is kept between invocations, because the next one may begin immediately.
    next: Mutex<Timestamp>,
}

impl Pace {
    /// The share of each of `workers` workers that send `mails_per_second` mails per second together; none if a worker
    /// would send less than one mail in five seconds.
    pub fn new(mails_per_second: u32, workers: u32) -> Option<Self> {
        let nanoseconds = (u64::from(workers) * 1_000_000_000).div_ceil(mails_per_second.max(1).into());
        let interval = SignedDuration::from_nanos(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        (interval <= MAX_INTERVAL).then(|| Self { interval, next: Mutex::new(Timestamp::MIN) })
    }

    /// No limit: for tests, and for mailers without a sending rate.
    pub fn unlimited() -> Self {
        Self { interval: SignedDuration::ZERO, next: Mutex::new(Timestamp::MIN) }
    }

    /// Moves the first send slot to a random time within the interval, so that workers that start together do not send
    /// together.
    #[must_use]
    pub fn staggered(self, now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or_default().max(1);
        let part = i64::try_from(u64::from_le_bytes(bytes) % interval).unwrap_or_default();
        Self { next: Mutex::new(now + SignedDuration::from_nanos(part)), ..self }
    }

    /// Reserves the next send slot and returns its time; none if that is after `latest`.
    fn reserve_slot(&self, now: Timestamp, latest: Timestamp) -> Option<Timestamp> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = now.max(*next);
        if slot > latest {
            return None;
        }
        *next = slot + self.interval;
        Some(slot)
    }
}

/// Whether a mail that is due has a send slot in this invocation.
pub(super) enum Slot {
    /// Claim and send the mail.
    Now,
    /// The slot was waited for: read the item again before the mail is claimed and sent.
    AfterWait,
    /// There is no slot left. Another message will handle the mail.
    Missed,
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Waits for a send slot for a mail that has been due since `due`. The mail is not claimed yet: waiting costs no write
    /// and nothing of the lease. Without a slot in this invocation, the message returns to the queue, or is dropped once
    /// the dispatcher has queued the timer again. `has_recipient` is awaited only if other mails wait, so that they do not
    /// wait for mails that will not be sent.
    ///
    /// # Errors
    /// [`DeliveryError::OutOfTime`] if this invocation cannot send any more; the errors of the queue and of
    /// `has_recipient`.
    pub(super) async fn slot(
        &self,
        timer: Timer,
        due: Timestamp,
        has_recipient: impl Future<Output = Result<bool, PortError>>,
    ) -> Result<Slot, DeliveryError> {
        let (now, latest) = (self.clock.instant(), self.deadline - TIME_TO_SEND);
        if now > latest {
            return Err(DeliveryError::OutOfTime);
        }
        if self.pace.reserve_slot(now, now).is_some() {
            return Ok(Slot::Now);
        }
        if !has_recipient.await? {
            return Ok(Slot::Now);
        }
        if let Some(slot) = self.pace.reserve_slot(now, latest) {
            let wait = Duration::try_from(slot.duration_since(now)).unwrap_or_default();
            tokio::time::sleep(wait).await;
            return Ok(Slot::AfterWait);
        }
        let now = self.clock.now();
        if now < due + RECHECK_AFTER {
            let jitter = SignedDuration::from_secs(timer.target.jitter_seed().into());
            self.requeue(Timer { at: now + REQUEUE_AFTER + jitter, ..timer }, now).await?;
        }
        Ok(Slot::Missed)
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
        let slots = [at(0), at(1), at(2), at(5_000)].map(|now| pace.reserve_slot(now, at(60_000)));
        assert_eq!(slots, [at(0), at(2_000), at(4_000), at(6_000)].map(Some));
        // Unused slots do not add up.
        assert_eq!(pace.reserve_slot(at(30_000), at(60_000)), Some(at(30_000)));
        assert_eq!(pace.reserve_slot(at(30_000), at(60_000)), Some(at(32_000)));
        let quick = Pace::new(14, 5).unwrap();
        let slots: Vec<_> = (0..29).filter_map(|_| quick.reserve_slot(at(0), at(60_000))).collect();
        // Five workers with 14/5 mails per second each send 14.
        assert_eq!(slots.iter().filter(|slot| **slot < at(5_000)).count(), 14);
    }

    #[test]
    fn a_slot_after_the_latest_time_is_not_reserved() {
        let pace = Pace::new(1, 2).unwrap();
        assert_eq!(pace.reserve_slot(at(0), at(1_000)), Some(at(0)));
        assert_eq!(pace.reserve_slot(at(0), at(1_000)), None);
        assert_eq!(pace.reserve_slot(at(0), at(3_000)), Some(at(2_000)), "the slot is still free");
    }

    #[test]
    fn more_workers_than_the_rate_allows_are_refused() {
        assert!(Pace::new(1, 5).is_some() && Pace::new(14, 70).is_some());
        assert!(
            Pace::new(1, 6).is_none() && Pace::new(14, 71).is_none() && Pace::new(1, 1_000).is_none()
        );
    }

    #[test]
    fn workers_that_start_together_do_not_send_together() {
        let first = |seed| {
            let pace = Pace::new(1, 5).unwrap().staggered(at(0), &SeededRandom::new(seed));
            pace.reserve_slot(at(0), at(60_000)).unwrap()
        };
        let slots: Vec<_> = (0..20).map(first).collect();
        assert!(slots.iter().all(|slot| (at(0)..at(5_000)).contains(slot)), "{slots:?}");
        assert!(slots.iter().filter(|slot| **slot < at(1_000)).count() < 10, "{slots:?}");
    }
}
