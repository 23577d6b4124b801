//! The requests of each caller in the current window, as this function instance knows them.
//!
//! Changes are added to the count in the store one by one. Reads are counted here and added in steps, so the reads of an
//! ordinary user write nothing. An instance has at most [`STEP`] − 1 reads that the store does not know, and it learns the
//! count of all instances with every addition. So all instances together admit at most the limit and `STEP` − 1 reads for
//! each of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use taskbell_domain::rate_limit::{RateLimit, RateLimitKey};

/// How many reads are added to the count in the store at a time.
pub(super) const STEP: u32 = 16;

/// The maximum number of callers that are remembered. The requests of others are added one by one.
const MAX_CALLERS: usize = 1_000;

/// The requests of one caller in one window.
#[derive(Debug, Clone, Copy)]
struct Tally {
    window: Timestamp,
    /// The highest count in the store that this instance has seen.
    known: u32,
    /// Reads that were not added to it yet.
    pending: u32,
}

impl Tally {
    fn count(self) -> u32 {
        self.known.saturating_add(self.pending)
    }
}

/// What to do to count a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// Nothing more: it was counted here, and this is the count.
    Here(u32),
    /// Add this many to the count in the store.
    Add(u32),
}

/// The tallies of all callers.
pub(super) struct Tallies {
    limit: RateLimit,
    by_caller: Mutex<BTreeMap<RateLimitKey, Tally>>,
}

impl Tallies {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, by_caller: Mutex::default() }
    }

    fn by_caller(&self) -> MutexGuard<'_, BTreeMap<RateLimitKey, Tally>> {
        self.by_caller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the tally of a caller in the window of `now`. `None` if there is no room for another caller.
    fn change<T>(
        &self,
        key: &RateLimitKey,
        now: Timestamp,
        change: impl FnOnce(&mut Tally) -> T,
    ) -> Option<T> {
        let window = self.limit.window_of(now);
        let mut by_caller = self.by_caller();
        if !by_caller.contains_key(key) {
            if by_caller.len() >= MAX_CALLERS {
                by_caller.retain(|_, tally| tally.window >= window);
            }
            if by_caller.len() >= MAX_CALLERS {
                return None;
            }
        }
        let tally = by_caller.entry(key.clone()).or_insert(Tally { window, known: 0, pending: 0 });
        if tally.window < window {
            *tally = Tally { window, known: 0, pending: 0 };
        }
        Some(change(tally))
    }

    /// Whether the caller is known to have exceeded the limit.
    pub(super) fn is_used_up(&self, key: &RateLimitKey, now: Timestamp) -> bool {
        self.known_count(key, now) > self.limit.max
    }

    /// The count of a caller in the window of `now`, as far as this instance knows it.
    pub(super) fn known_count(&self, key: &RateLimitKey, now: Timestamp) -> u32 {
        let tally = self.by_caller().get(key).copied();
        let tally = tally.filter(|tally| tally.window == self.limit.window_of(now));
        tally.map_or(0, Tally::count)
    }

    /// Counts what is counted by each instance alone.
    pub(super) fn count_here(&self, key: &RateLimitKey, now: Timestamp) {
        self.change(key, now, |tally| tally.pending += 1);
    }

    /// Counts a read.
    pub(super) fn count_read(&self, key: &RateLimitKey, now: Timestamp) -> Counting {
        let counted = self.change(key, now, |tally| {
            tally.pending += 1;
            match tally.pending {
                pending if pending < STEP => Counting::Here(tally.count()),
                pending => {
                    tally.pending = 0;
                    Counting::Add(pending)
                }
            }
        });
        counted.unwrap_or(Counting::Add(1))
    }

    /// Counts a change, together with the reads that the store does not know.
    pub(super) fn count_change(&self, key: &RateLimitKey, now: Timestamp) -> Counting {
        let pending = self.change(key, now, |tally| std::mem::take(&mut tally.pending));
        Counting::Add(pending.unwrap_or(0) + 1)
    }

    /// Records the count in the store after an addition. Returns the count with pending reads.
    pub(super) fn added(&self, key: &RateLimitKey, now: Timestamp, count: u32) -> u32 {
        let known = self.change(key, now, |tally| {
            tally.known = tally.known.max(count);
            tally.count()
        });
        known.unwrap_or(count)
    }

    /// Subtracts a read that was counted here.
    pub(super) fn take_back(&self, key: &RateLimitKey, now: Timestamp) {
        self.change(key, now, |tally| tally.pending = tally.pending.saturating_sub(1));
    }
}
