//! The change feeds of spaces.

use std::{collections::BTreeMap, future::Future};

use jiff::Timestamp;

use super::PortError;
use crate::{
    feed::{Change, FeedEntry, FeedHead},
    id::SpaceId,
};

/// Extends feeds.
pub trait FeedChanges: Send + Sync {
    /// Appends changes of a space to its feed, in their order. Those that the feed has already are left out; `since` is
    /// when the first of them was recorded. Returns what was appended: `None` if the feed has ended.
    fn append_changes(
        &self,
        space: SpaceId,
        changes: &[Change],
        since: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Vec<FeedEntry>>, PortError>> + Send;

    /// Ends the feed of a deleted space, which has no head then. What is recorded later is not appended.
    fn end_feed(
        &self,
        space: SpaceId,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Reads feeds. Strongly consistent.
pub trait FeedReads: Send + Sync {
    /// How far the feeds of spaces have got. A space without changes is missing, and so is one whose feed has ended.
    fn feed_heads(
        &self,
        spaces: &[SpaceId],
    ) -> impl Future<Output = Result<BTreeMap<SpaceId, FeedHead>, PortError>> + Send;

    /// The entries of a feed after a position that is before its head, oldest first: at most `limit` stored items, each with
    /// the changes that were appended together. `None` if the first one has expired.
    fn feed_entries(
        &self,
        space: SpaceId,
        after: u64,
        limit: u8,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Vec<FeedEntry>>, PortError>> + Send;
}
