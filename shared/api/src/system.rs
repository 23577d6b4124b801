//! The real clock and the real source of chance.

use jiff::Timestamp;
use ring::rand::SecureRandom;
use taskbell_domain::clock::{Clock, Random};

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn instant(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The random numbers of the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        if ring::rand::SystemRandom::new().fill(buffer).is_err() {
            // Without chance there are no safe ids, salts or tokens, and no way to go on.
            std::process::abort();
        }
    }
}
