//! Time and chance as ports, so that every rule can be tested at a chosen moment with chosen ids.

use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant, as finely as it can be told. Ids are made from it, so that they sort by it.
    fn instant(&self) -> Timestamp;

    /// The present second: nothing else in Taskbell is finer than that.
    fn now(&self) -> Timestamp {
        whole_seconds(self.instant())
    }
}

/// A clock that stands at one moment: all ids of one change carry the time of that change.
pub struct At(pub Timestamp);

impl Clock for At {
    fn instant(&self) -> Timestamp {
        self.0
    }
}

/// Gives unpredictable bytes: ids, salts and tokens are made from them.
pub trait Random: Send + Sync {
    /// Fills the buffer. A source that cannot deliver ends the process: nothing safe is left to do.
    fn fill(&self, buffer: &mut [u8]);
}

/// The instant cut down to its whole second.
pub fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
