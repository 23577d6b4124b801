//! Reads of items by their keys, and of whole partitions. All are strongly consistent.
//!
//! Items that are read at the same time are read in one call: a read waits until everything else that is ready has run, and
//! whatever asks for an item until then joins it. So code reads what it needs, where it needs it; what does not depend on
//! another answer, joined by `join!`, costs one round trip, and an item that several ask for is read once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::KeysAndAttributes};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, try_join_all},
};
use taskbell_domain::ports::{PortError, UnusableItem};

use super::{DynamoDb, Item, Key, key_attributes, keys, text};
use crate::{
    error::{invalid_request, port_error},
    send_boxed::SendBoxed,
};

/// The limit of keys per call.
///
/// Source: "BatchGetItem", Amazon DynamoDB API reference.
const MAX_BATCH_GET: usize = 100;

const JOINED: &str = "reading items";

/// A table and the key of an item in it.
type Address = (String, Key);

/// What was found by a joined read, or why it failed.
type Answer = Result<Arc<HashMap<Address, Item>>, Arc<PortError>>;

/// The read that others can still join, if there is one.
pub(super) type OpenRead = Arc<Mutex<Option<JoinedRead>>>;

/// A read of items that several callers await. It proceeds while any of them does.
#[derive(Clone)]
pub(super) struct JoinedRead {
    /// What to read. `None` once it is being read.
    wanted: Arc<Mutex<Option<HashSet<Address>>>>,
    answer: Shared<BoxFuture<'static, Answer>>,
}

impl JoinedRead {
    /// Whether the item will be part of the answer.
    fn admits(&self, address: &Address) -> bool {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        match wanted.as_mut() {
            Some(wanted) if wanted.len() < MAX_BATCH_GET || wanted.contains(address) => {
                wanted.insert(address.clone());
                true
            }
            _ => false,
        }
    }

    fn new(store: DynamoDb, first: Address) -> Self {
        let wanted = Arc::new(Mutex::new(Some(HashSet::from([first]))));
        let listed = Arc::clone(&wanted);
        let read = async move {
            let wanted = listed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let found = store.read_all(wanted.unwrap_or_default()).await;
            found.map(Arc::new).map_err(Arc::new)
        };
        Self { wanted, answer: read.boxed().shared() }
    }
}

impl DynamoDb {
    /// One item, read together with what else is read at the same time.
    pub(super) async fn get_item(
        &self,
        operation: &'static str,
        table: &str,
        key: Key,
    ) -> Result<Option<Item>, PortError> {
        let address = (table.to_owned(), key);
        let read = self.join_read(&address);
        // Everything else that is ready runs now, and may join.
        tokio::task::yield_now().await;
        self.joined(operation, &address, read).await
    }

    /// The existing items with these keys, in any order.
    pub(super) async fn get_items(
        &self,
        operation: &'static str,
        table: &str,
        keys: Vec<Key>,
    ) -> Result<Vec<Item>, PortError> {
        // All join before any is awaited: however many they are, as few calls as possible read them.
        let addresses = keys.into_iter().map(|key| (table.to_owned(), key));
        let reads: Vec<_> = addresses.map(|address| (self.join_read(&address), address)).collect();
        tokio::task::yield_now().await;
        let found = reads.iter().map(|(read, address)| self.joined(operation, address, read.clone()));
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    /// An item of the answer to a joined read.
    async fn joined(
        &self,
        operation: &'static str,
        address: &Address,
        read: JoinedRead,
    ) -> Result<Option<Item>, PortError> {
        let answer = read.answer.clone().await;
        self.forget(&read);
        match answer {
            Ok(found) => Ok(found.get(address).cloned()),
            Err(error) => {
                let cause = error.source.to_string();
                let transient = error.transient;
                Err(match error.is_about_item() {
                    true => {
                        let source = Box::new(UnusableItem(cause));
                        PortError { operation, transient, source }
                    }
                    false => PortError { operation, transient, source: cause.into() },
                })
            }
        }
    }

    fn join_read(&self, address: &Address) -> JoinedRead {
        let mut open = self.open_read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = open.as_ref().filter(|read| read.admits(address)) {
            return read.clone();
        }
        // It must not refer to itself, or it would never be dropped.
        let store = Self { open_read: OpenRead::default(), ..self.clone() };
        open.insert(JoinedRead::new(store, address.clone())).clone()
    }

    /// Keeps no items in memory once they were read.
    fn forget(&self, read: &JoinedRead) {
        let mut open = self.open_read.lock().unwrap_or_else(PoisonError::into_inner);
        open.take_if(|open| Arc::ptr_eq(&open.wanted, &read.wanted));
    }

    /// Reads items in one call, and one more for each unprocessed key.
    async fn read_all(&self, wanted: HashSet<Address>) -> Result<HashMap<Address, Item>, PortError> {
        if wanted.len() == 1 {
            return try_join_all(wanted.into_iter().map(|address| self.read_one(address)))
                .await
                .map(|found| found.into_iter().flatten().collect());
        }
        let mut by_table: HashMap<String, Vec<Item>> = HashMap::new();
        for (table, key) in wanted {
            by_table.entry(table).or_default().push(key_attributes(key));
        }
        let request = by_table.into_iter().map(|(table, keys)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            Ok((table, keys.map_err(|e| invalid_request(JOINED, e))?))
        });
        let request = request.collect::<Result<_, PortError>>()?;
        let answer = self.client.batch_get_item().set_request_items(Some(request)).send_boxed().await;
        let answer = answer.map_err(port_error(JOINED))?;
        let mut found = HashMap::new();
        for (table, items) in answer.responses.unwrap_or_default() {
            found.extend(
                items.into_iter().filter_map(|item| Some(((table.clone(), key_of(&item)?), item))),
            );
        }
        // DynamoDB throttled them, or the answer was full: one by one, with the backoff of the SDK.
        let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_iter();
        let unprocessed = unprocessed.flat_map(|(table, keys)| {
            keys.keys.into_iter().filter_map(move |key| Some((table.clone(), key_of(&key)?)))
        });
        let rest = try_join_all(unprocessed.map(|address| self.read_one(address))).await?;
        found.extend(rest.into_iter().flatten());
        Ok(found)
    }

    async fn read_one(&self, (table, key): Address) -> Result<Option<(Address, Item)>, PortError> {
        let attributes = Some(key_attributes(key.clone()));
        let get = self.client.get_item().table_name(&table).set_key(attributes).consistent_read(true);
        let answer = get.send_boxed().await.map_err(port_error(JOINED))?;
        Ok(answer.item.map(|item| ((table, key), item)))
    }

    /// All items of a partition of the tasks table whose sort key has a prefix: one call per MB. For partitions of
    /// limited size.
    pub(super) async fn query_partition(
        &self,
        operation: &'static str,
        table: &str,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, PortError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut query = self.partition_query(table, partition).set_exclusive_start_key(start);
            if !prefix.is_empty() {
                query = query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expression_attribute_names("#sk", keys::SK)
                    .expression_attribute_values(":prefix", text(prefix));
            }
            let page = query.send_boxed().await.map_err(port_error(operation))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// A strongly consistent query of a partition, in the order of the sort keys.
    pub(super) fn partition_query(&self, table: &str, partition: &str) -> QueryFluentBuilder {
        let query = self.client.query().table_name(table).key_condition_expression("#pk = :pk");
        let query = query.expression_attribute_names("#pk", keys::PK);
        query.expression_attribute_values(":pk", text(partition)).consistent_read(true)
    }
}

/// The key of an item of a table.
fn key_of(item: &Item) -> Option<Key> {
    let text_of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some((text_of(keys::PK)?, text_of(keys::SK)?))
}
