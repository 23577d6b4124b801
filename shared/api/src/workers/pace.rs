//! Keeps workers under the rate at which SES lets an account send.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// One worker's share of the account's sending rate. It is divided evenly, so that workers need not ask each other.
pub struct Pace {
    interval: SignedDuration,
    /// When the next mail may be sent. It outlives an invocation: the next one may begin at once.
    next: Mutex<Timestamp>,
}

impl Pace {
    /// The share of each of so many workers that together send at most so many mails in a second. None is less than
    /// one.
    pub fn new(mails_per_second: u32, workers: u32) -> Self {
        let nanoseconds =
            (u64::from(workers.max(1)) * 1_000_000_000).div_ceil(mails_per_second.max(1).into());
        let interval = SignedDuration::from_nanos(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        Self { interval, next: Mutex::new(Timestamp::MIN) }
    }

    /// Takes the worker's next turn to send and tells its time; nothing if that is after `latest`.
    pub(super) fn take_turn(&self, now: Timestamp, latest: Timestamp) -> Option<Timestamp> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        if turn > latest {
            return None;
        }
        *next = turn + self.interval;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    #[test]
    fn a_worker_sends_no_faster_than_its_share() {
        // Two workers of a new account: each sends a mail every two seconds.
        let pace = Pace::new(1, 2);
        let turns = [at(0), at(1), at(2), at(5_000)].map(|now| pace.take_turn(now, at(60_000)));
        assert_eq!(turns, [at(0), at(2_000), at(4_000), at(6_000)].map(Some));
        // Time that passes without mails is not saved up.
        assert_eq!(pace.take_turn(at(30_000), at(60_000)), Some(at(30_000)));
        assert_eq!(pace.take_turn(at(30_000), at(60_000)), Some(at(32_000)));
        let quick = Pace::new(14, 5);
        let turns: Vec<_> = (0..29).filter_map(|_| quick.take_turn(at(0), at(60_000))).collect();
        // Five workers times 14 fifths in a second are 14.
        assert_eq!(turns.iter().filter(|turn| **turn < at(5_000)).count(), 14);
    }

    #[test]
    fn a_turn_that_comes_too_late_is_not_taken() {
        let pace = Pace::new(1, 2);
        assert_eq!(pace.take_turn(at(0), at(1_000)), Some(at(0)));
        assert_eq!(pace.take_turn(at(0), at(1_000)), None);
        assert_eq!(pace.take_turn(at(0), at(3_000)), Some(at(2_000)), "it is still there for another");
    }
}
