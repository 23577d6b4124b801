//! The rules of Taskbell, free of the outside world.
//!
//! What a task, a due date, a reminder and an account are, which changes are allowed, when a reminder
//! rings and what may be said about its delivery. The outside is reached through [`ports`] only: this
//! crate's manifest names no AWS, Lambda, HTTP or async runtime crate.

pub mod checklist;
pub mod clock;
pub mod comment;
pub mod credential;
pub mod delivery;
pub mod digest;
pub mod due;
pub mod due_days;
pub mod email;
pub mod id;
pub mod list;
mod name;
pub mod notification;
pub mod policy;
pub mod ports;
pub mod rate_limit;
pub mod recurrence;
pub mod reminder;
pub mod search;
pub mod space;
pub mod statistics;
pub mod task;
pub mod text;
pub mod timer;
mod timestamp;
pub mod unknown;
pub mod user;
pub mod violation;
mod words;
pub mod zone;
