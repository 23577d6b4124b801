//! What has changed since a client last asked.

pub mod list_changes;
pub(crate) mod objects;
pub mod open_live;
mod positions;
