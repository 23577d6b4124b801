//! What the tests of every crate need: a clock that stands still, chance that repeats, in-memory ports,
//! and the contract that every store has to keep.

mod chance;
pub mod collation;
pub mod contract;
mod faulty;
pub mod fixtures;
mod memory;
mod outbox;
pub mod template;

pub use chance::{ManualClock, SeededRandom};
pub use faulty::{Faults, Faulty, Meddler, Side, injected};
pub use memory::{Data, Memory};
pub use outbox::{Outbox, QueueFake};
