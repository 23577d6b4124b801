//! Reads: one item, items by their keys, and whole partitions. All are strongly consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use taskbell_domain::ports::PortError;

use super::{DynamoDb, Item, Key, key_attributes, keys, text};
use crate::{
    error::{invalid_request, port_error},
    send_boxed::SendBoxed,
};

/// The limit of keys per call.
///
/// Source: "BatchGetItem", Amazon DynamoDB API reference.
const MAX_BATCH_GET: usize = 100;

impl DynamoDb {
    pub(super) async fn get_item(
        &self,
        operation: &'static str,
        table: &str,
        key: Key,
    ) -> Result<Option<Item>, PortError> {
        let get = self.client.get_item().table_name(table).set_key(Some(key_attributes(key)));
        let answer = get.consistent_read(true).send_boxed().await;
        answer.map(|answer| answer.item).map_err(port_error(operation))
    }

    /// The existing items with these keys, in any order: one call per 100 keys, and one call per unprocessed key, which
    /// the SDK retries with backoff.
    pub(super) async fn batch_get(
        &self,
        operation: &'static str,
        table: &str,
        keys: Vec<Key>,
    ) -> Result<Vec<Item>, PortError> {
        let mut found = Vec::new();
        for chunk in keys.chunks(MAX_BATCH_GET) {
            let request = batch_keys(operation, chunk)?;
            let request = self.client.batch_get_item().request_items(table, request).send_boxed().await;
            let answer = request.map_err(port_error(operation))?;
            found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
            let unprocessed = answer.unprocessed_keys.unwrap_or_default().remove(table);
            for key in unprocessed.map(|unprocessed| unprocessed.keys).unwrap_or_default() {
                let get = self.client.get_item().table_name(table).set_key(Some(key));
                let answer =
                    get.consistent_read(true).send_boxed().await.map_err(port_error(operation))?;
                found.extend(answer.item);
            }
        }
        Ok(found)
    }

    /// One item of the accounts table, and up to 99 items of the tasks table by their keys, in one call.
    pub(super) async fn batch_get_both_tables(
        &self,
        operation: &'static str,
        account: Key,
        tasks: Vec<Key>,
    ) -> Result<(Option<Item>, HashMap<Key, Item>), PortError> {
        let request = HashMap::from([
            (self.tasks.clone(), batch_keys(operation, &tasks)?),
            (self.accounts.clone(), batch_keys(operation, std::slice::from_ref(&account))?),
        ]);
        let answer = self.client.batch_get_item().set_request_items(Some(request)).send_boxed().await;
        let answer = answer.map_err(port_error(operation))?;
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            // So few items never exceed the size limit of an answer, so this is throttling: read them one by one, which
            // the SDK retries with backoff.
            let mut found = HashMap::new();
            for key in tasks {
                let item = self.get_item(operation, &self.tasks, key.clone()).await?;
                found.extend(item.map(|item| (key, item)));
            }
            return Ok((self.get_item(operation, &self.accounts, account).await?, found));
        }
        let mut found = answer.responses.unwrap_or_default();
        let account = found.remove(&self.accounts).and_then(|mut items| items.pop());
        let items = found.remove(&self.tasks).unwrap_or_default().into_iter();
        let keyed = items.filter_map(|item| {
            let text_of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            Some(((text_of(keys::PK)?, text_of(keys::SK)?), item))
        });
        Ok((account, keyed.collect()))
    }

    /// All items of a partition of the tasks table whose sort key has a prefix: one call per MB. For partitions of
    /// limited size.
    pub(super) async fn query_partition(
        &self,
        operation: &'static str,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, PortError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&self.tasks)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_values(":pk", text(partition))
                .consistent_read(true)
                .set_exclusive_start_key(start);
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
}

/// The part of a BatchGetItem request for one table.
fn batch_keys(operation: &'static str, keys: &[Key]) -> Result<KeysAndAttributes, PortError> {
    KeysAndAttributes::builder()
        .set_keys(Some(keys.iter().cloned().map(key_attributes).collect()))
        .consistent_read(true)
        .build()
        .map_err(|e| invalid_request(operation, e))
}
