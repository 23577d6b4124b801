//! Change feeds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use taskbell_domain::{
    feed::{CLOCK_TOLERANCE, Change, FeedEntry, FeedHead, RETENTION},
    id::SpaceId,
    ports::{FeedChanges, FeedReads, PortError},
};

use super::MemoryStore;

/// A feed: its head, which is missing once it has ended, and its entries with the time of each.
#[derive(Default)]
pub(crate) struct Feed {
    head: Option<FeedHead>,
    has_ended: bool,
    /// The entries.
    entries: Vec<(Timestamp, FeedEntry)>,
}

impl FeedChanges for MemoryStore {
    async fn append_changes(
        &self,
        space: SpaceId,
        changes: &[Change],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Vec<FeedEntry>>, PortError> {
        let mut data = self.data();
        let feed = data.feeds.entry(space).or_default();
        if feed.has_ended {
            return Ok(None);
        }
        let head = feed.head.unwrap_or(FeedHead::new(now));
        let now = now.max(head.appended_at);
        let is_known = |change: &&Change| {
            let recent = feed.entries.iter().filter(|(at, _)| *at >= since - CLOCK_TOLERANCE);
            recent.into_iter().any(|(_, known)| known.change.id == change.id)
        };
        let fresh = changes.iter().filter(|change| !is_known(change)).cloned();
        let entries = (head.sequence + 1..).zip(fresh);
        let entries: Vec<_> =
            entries.map(|(sequence, change)| FeedEntry { sequence, change }).collect();
        if !entries.is_empty() {
            feed.head = Some(head.advanced(entries.len() as u64, now));
            feed.entries.extend(entries.iter().map(|entry| (now, entry.clone())));
        }
        Ok(Some(entries))
    }

    async fn end_feed(&self, space: SpaceId, _: Timestamp) -> Result<(), PortError> {
        let mut data = self.data();
        let feed = data.feeds.entry(space).or_default();
        (feed.head, feed.has_ended) = (None, true);
        Ok(())
    }
}

impl FeedReads for MemoryStore {
    async fn feed_heads(&self, spaces: &[SpaceId]) -> Result<BTreeMap<SpaceId, FeedHead>, PortError> {
        let data = self.data();
        let heads = spaces.iter().filter_map(|space| Some((*space, data.feeds.get(space)?.head?)));
        Ok(heads.collect())
    }

    async fn feed_entries(
        &self,
        space: SpaceId,
        after: u64,
        limit: u8,
        now: Timestamp,
    ) -> Result<Option<Vec<FeedEntry>>, PortError> {
        let data = self.data();
        let entries = data.feeds.get(&space).map_or(&[][..], |feed| &feed.entries);
        let later = entries.iter().filter(|(_, entry)| entry.sequence > after);
        let found: Vec<_> = later.take(limit.into()).collect();
        let has_expired = |at: Timestamp| at + RETENTION <= now;
        let missing = found.first().is_none_or(|(at, _)| has_expired(*at));
        Ok((!missing).then(|| found.into_iter().map(|(_, entry)| entry.clone()).collect()))
    }
}
