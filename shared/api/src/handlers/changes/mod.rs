//! What has changed since a client last asked.

pub mod list_changes;
mod positions;
