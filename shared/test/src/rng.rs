//! A clock and random numbers that tests control.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use taskbell_domain::clock::{Clock, Random};

/// A clock that changes only when a test sets it.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock at this time (RFC 3339).
    pub fn at(instant: &str) -> Self {
        Self(Arc::new(Mutex::new(instant.parse().expect("an instant"))))
    }

    /// Advances the clock.
    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().expect("not poisoned") += by;
    }

    /// Sets the clock.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().expect("not poisoned") = to;
    }
}

impl Clock for ManualClock {
    fn instant(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
}

/// Pseudo-random bytes that are the same in every run (SplitMix64).
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().expect("not poisoned");
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}
