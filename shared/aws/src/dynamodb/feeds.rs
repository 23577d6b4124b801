//! Change feeds: a partition per space, with the head, which sorts last, and an item for the changes of each append.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use taskbell_domain::{
    feed::{CLOCK_TOLERANCE, Change, FeedEntry, FeedHead, RETENTION},
    id::SpaceId,
    ports::{FeedChanges, FeedReads, PortError},
};

use super::{
    DynamoDb, Item,
    items::{FeedHeadItem, FeedItem, FromItem as _, build_item, key_item, parse_item},
    keys, number, text,
    write::{Condition, TransactionResult, put},
};
use crate::{
    error::{corrupt, in_progress, port_error},
    send_boxed::SendBoxed,
};

const APPENDING: &str = "appending to a feed";
const READING: &str = "reading a feed";

/// How often an append is tried while others append to the same feed.
const MAX_ATTEMPTS: usize = 10;

/// How many items of a feed are read at a time, newest first, to find what it has already.
const RECENT: i32 = 25;

/// How long the end of a feed is remembered: longer than the stream of the table, which may tell of changes before it.
const END_REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// The head of a feed, if there is one.
enum Head {
    None,
    At(FeedHead),
    Ended,
}

impl Head {
    fn of(item: Option<Item>) -> Result<Self, PortError> {
        match item {
            None => Ok(Self::None),
            Some(item) if !item.contains_key(keys::VERSION) => Ok(Self::Ended),
            Some(item) => parse_item::<FeedHeadItem, _>(READING, item).map(Self::At),
        }
    }
}

impl FeedChanges for DynamoDb {
    async fn append_changes(
        &self,
        space: SpaceId,
        changes: &[Change],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<FeedEntry>, PortError> {
        for _ in 0..MAX_ATTEMPTS {
            let (head, known) = self.recent(space, since - CLOCK_TOLERANCE).await?;
            let (head, condition) = match head {
                Head::Ended => return Ok(Vec::new()),
                Head::None => (FeedHead::new(now), Condition::NotExists),
                Head::At(head) => (head, Condition::Version(head.sequence)),
            };
            let fresh = changes.iter().filter(|change| !known.contains(&change.id));
            let entries = (head.sequence + 1..).zip(fresh);
            let entries =
                entries.map(|(sequence, change)| FeedEntry { sequence, change: change.clone() });
            let entries: Vec<_> = entries.collect();
            let Some(last) = entries.last() else { return Ok(entries) };
            let next = head.advanced(entries.len() as u64, now);
            let stored = FeedItem::new(&entries, now, now + RETENTION);
            let head = build_item(APPENDING, keys::feed_head(space), &FeedHeadItem::from(&next))?;
            let item = build_item(APPENDING, keys::feed_entry(space, last.sequence), &stored)?;
            let actions = vec![
                put(APPENDING, &self.tasks, head, condition)?,
                put(APPENDING, &self.tasks, item, Condition::NotExists)?,
            ];
            if let TransactionResult::Committed = self.transact(APPENDING, actions).await? {
                return Ok(entries);
            }
        }
        Err(in_progress(APPENDING))
    }

    async fn end_feed(&self, space: SpaceId, now: Timestamp) -> Result<(), PortError> {
        const OPERATION: &str = "ending a feed";
        let mut end = key_item(keys::feed_head(space));
        let expires_at = (now + END_REMEMBERED).as_second();
        end.insert(keys::EXPIRES_AT.to_owned(), number(expires_at));
        self.client
            .put_item()
            .table_name(&self.tasks)
            .set_item(Some(end))
            .send_boxed()
            .await
            .map_err(port_error(OPERATION))?;
        self.delete_partition(OPERATION, &self.tasks, keys::feed_entries(space)).await
    }
}

impl DynamoDb {
    /// The head of a feed, and the ids of the changes that were appended since then.
    async fn recent(
        &self,
        space: SpaceId,
        since: Timestamp,
    ) -> Result<(Head, HashSet<String>), PortError> {
        let (partition, _) = keys::feed_head(space);
        let (mut head, mut known, mut start) = (None, HashSet::new(), None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tasks)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_values(":pk", text(&partition))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(RECENT)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(APPENDING))?;
            for item in page.items.unwrap_or_default() {
                if is_head(&item) {
                    head = Some(item);
                    continue;
                }
                let item = FeedItem::from_item(item).map_err(|e| corrupt(APPENDING, e))?;
                if item.appended_at < since {
                    return Ok((Head::of(head)?, known));
                }
                let entries = item.entries().map_err(|_| corrupt(APPENDING, "feed entry"))?;
                known.extend(entries.into_iter().map(|entry| entry.change.id));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok((Head::of(head)?, known));
            }
        }
    }
}

fn is_head(item: &Item) -> bool {
    item.get(keys::SK).and_then(|sort| sort.as_s().ok()).is_some_and(|sort| sort == keys::FEED_HEAD)
}

impl FeedReads for DynamoDb {
    async fn feed_heads(&self, spaces: &[SpaceId]) -> Result<BTreeMap<SpaceId, FeedHead>, PortError> {
        let of: HashMap<_, _> =
            spaces.iter().map(|space| (keys::feed_head(*space).0, *space)).collect();
        let wanted = spaces.iter().map(|space| keys::feed_head(*space)).collect();
        let mut heads = BTreeMap::new();
        for item in self.get_items(READING, &self.tasks, wanted).await? {
            let partition = item.get(keys::PK).and_then(|key| key.as_s().ok());
            let space = partition.and_then(|partition| of.get(partition)).copied();
            let space = space.ok_or_else(|| corrupt(READING, "feed head"))?;
            if let Head::At(head) = Head::of(Some(item))? {
                heads.insert(space, head);
            }
        }
        Ok(heads)
    }

    async fn feed_entries(
        &self,
        space: SpaceId,
        after: u64,
        limit: u8,
        now: Timestamp,
    ) -> Result<Option<Vec<FeedEntry>>, PortError> {
        let ((partition, first), (_, last)) =
            (keys::feed_entry(space, after + 1), keys::feed_entry(space, u64::MAX));
        let page = self
            .client
            .query()
            .table_name(&self.tasks)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .consistent_read(true)
            .limit(limit.into())
            .send_boxed()
            .await
            .map_err(port_error(READING))?;
        let (mut found, mut next) = (Vec::new(), after + 1);
        for item in page.items.unwrap_or_default() {
            let item = FeedItem::from_item(item).map_err(|e| corrupt(READING, e))?;
            // DynamoDB deletes expired items in any order, so what precedes an expired one may be missing.
            if item.has_expired(now) {
                return Ok(None);
            }
            for entry in item.entries().map_err(|_| corrupt(READING, "feed entry"))? {
                if entry.sequence > next {
                    return Ok(None);
                }
                if entry.sequence == next {
                    next += 1;
                    found.push(entry);
                }
            }
        }
        Ok((!found.is_empty()).then_some(found))
    }
}
