//! What the tests of every crate need: a clock that stands still, chance that repeats, in-memory ports,
//! and the contract that every store has to keep.

pub mod collation;
pub mod contract;
mod faulty;
pub mod fixtures;
mod memory;
mod outbox;
mod rng;
pub mod template;

pub use faulty::{Faults, Faulty, Meddler, Side, injected};
pub use memory::{Data, Memory};
pub use outbox::{Outbox, QueueFake};
pub use rng::{ManualClock, SeededRandom};
