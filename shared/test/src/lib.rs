//! Test support for every crate: a manual clock, reproducible random numbers, in-memory ports, fault injection, and the store
//! contract.

pub mod collation;
pub mod contract;
mod faulty;
pub mod fixtures;
mod live;
mod memory;
mod outbox;
mod rng;
pub mod template;

pub use faulty::{Faults, Faulty, Meddler, Side, injected};
pub use live::{ChannelFake, PushQueueFake};
pub use memory::{Data, MemoryStore};
pub use outbox::{Outbox, QueueFake};
pub use rng::{ManualClock, SeededRandom};
