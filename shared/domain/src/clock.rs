//! Time and randomness as ports, so that tests can choose both.

use jiff::Timestamp;

/// A clock.
pub trait Clock: Send + Sync {
    /// The current instant at the clock's precision. Ids are generated from it and sort by it.
    fn instant(&self) -> Timestamp;

    /// The current time in whole seconds, the precision of all stored times.
    fn now(&self) -> Timestamp {
        whole_seconds(self.instant())
    }
}

/// A fixed clock: all ids generated in one change have the time of the change.
pub struct At(pub Timestamp);

impl Clock for At {
    fn instant(&self) -> Timestamp {
        self.0
    }
}

/// A source of unpredictable bytes for ids, salts and tokens.
pub trait Random: Send + Sync {
    /// Fills the buffer. Ends the process if the source fails.
    fn fill(&self, buffer: &mut [u8]);
}

/// The instant, rounded down to whole seconds.
pub fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
