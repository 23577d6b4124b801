//! The system's clock and random number generator.

use jiff::Timestamp;
use ring::rand::SecureRandom;
use taskbell_domain::clock::{Clock, Random};

/// The system clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn instant(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's random number generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        if ring::rand::SystemRandom::new().fill(buffer).is_err() {
            // Without randomness, ids, salts and tokens would not be safe.
            std::process::abort();
        }
    }
}
