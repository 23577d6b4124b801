//! Change feeds: a partition per space, with the head, which sorts last, and an item for the changes of each append.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use taskbell_domain::{
    feed::{CLOCK_TOLERANCE, Change, FeedEntry, FeedHead, RETENTION},
    id::SpaceId,
    ports::{FeedChanges, FeedReads, PortError},
    unknown::Unknown,
};

use super::{
    DynamoDb, Item,
    items::{FeedHeadItem, FeedItem, FromItem as _, build_item, key_item},
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

/// How many items of a feed are read at first, newest first, to find what it has already.
const RECENT: i32 = 25;

/// The head of a feed, if there is one.
enum Head {
    None,
    At(FeedHeadItem),
    Ended,
}

impl Head {
    fn of(item: Item) -> Result<Self, PortError> {
        match item.contains_key(keys::VERSION) {
            true => FeedHeadItem::from_item(item).map(Self::At).map_err(|e| corrupt(READING, e)),
            false => Ok(Self::Ended),
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
    ) -> Result<Option<Vec<FeedEntry>>, PortError> {
        let (mut known, mut read) = (HashSet::new(), 0);
        for _ in 0..MAX_ATTEMPTS {
            // After a conflict, only what was appended meanwhile.
            let head = self.recent(space, since - CLOCK_TOLERANCE, read, &mut known).await?;
            let (head, unknown, condition) = match head {
                Head::Ended => return Ok(None),
                Head::None => (FeedHead::new(now), Unknown::default(), Condition::NotExists),
                Head::At(item) => {
                    let head = item.head();
                    (head, item.unknown, Condition::Version(head.sequence))
                }
            };
            read = head.sequence;
            // The times in a feed never go back, whatever the clocks of the functions say.
            let now = now.max(head.appended_at);
            let fresh = changes.iter().filter(|change| !known.contains(&change.id));
            let entries = (head.sequence + 1..).zip(fresh);
            let entries =
                entries.map(|(sequence, change)| FeedEntry { sequence, change: change.clone() });
            let entries: Vec<_> = entries.collect();
            let Some(last) = entries.last() else { return Ok(Some(entries)) };
            let next = head.advanced(entries.len() as u64, now);
            let stored = FeedItem::new(&entries, now, now + RETENTION);
            let head =
                build_item(APPENDING, keys::feed_head(space), &FeedHeadItem::new(&next, unknown))?;
            let item = build_item(APPENDING, keys::feed_entry(space, last.sequence), &stored)?;
            let actions = vec![
                put(APPENDING, &self.tasks, head, condition)?,
                put(APPENDING, &self.tasks, item, Condition::NotExists)?,
            ];
            if let TransactionResult::Committed = self.transact(APPENDING, actions).await? {
                return Ok(Some(entries));
            }
        }
        Err(in_progress(APPENDING))
    }

    async fn end_feed(&self, space: SpaceId, now: Timestamp) -> Result<(), PortError> {
        let mut end = key_item(keys::feed_head(space));
        end.insert(keys::EXPIRES_AT.to_owned(), number((now + RETENTION).as_second()));
        let put = self.client.put_item().table_name(&self.tasks).set_item(Some(end)).send_boxed();
        put.await.map(drop).map_err(port_error("ending a feed"))
    }
}

impl DynamoDb {
    /// The head of a feed. Collects the ids of the changes that were appended since a time, and after those that were read
    /// before.
    async fn recent(
        &self,
        space: SpaceId,
        since: Timestamp,
        read: u64,
        known: &mut HashSet<String>,
    ) -> Result<Head, PortError> {
        let (partition, read) = keys::feed_entry(space, read);
        let (mut head, mut start) = (Head::None, None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tasks)
                .key_condition_expression("#pk = :pk AND #sk > :read")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#sk", keys::SK)
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":read", text(&read))
                .scan_index_forward(false)
                .consistent_read(true)
                .set_limit(start.is_none().then_some(RECENT))
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(APPENDING))?;
            for item in page.items.unwrap_or_default() {
                if is_head(&item) {
                    head = Head::of(item)?;
                    continue;
                }
                let item = FeedItem::from_item(item).map_err(|e| corrupt(APPENDING, e))?;
                if item.appended_at < since || matches!(head, Head::Ended) {
                    return Ok(head);
                }
                let entries = item.entries().map_err(|_| corrupt(APPENDING, "feed entry"))?;
                known.extend(entries.into_iter().map(|entry| entry.change.id));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(head);
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
            if let Head::At(head) = Head::of(item)? {
                heads.insert(space, head.head());
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
