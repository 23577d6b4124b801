//! Many items at a time: whole partitions, and items by their keys.

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use taskbell_domain::ports::PortError;

use super::{DynamoDb, Item, key, keys, text};
use crate::{
    error::{port_error, unbuildable},
    send_boxed::SendBoxed,
};

/// The most keys of one BatchGetItem, and the most requests of one BatchWriteItem (DynamoDB quotas).
const BATCH_GET: usize = 100;
pub(super) const BATCH_WRITE: usize = 25;

impl DynamoDb {
    /// All items of a partition of the tasks table whose sort key begins with a prefix. For partitions that are
    /// known to be small.
    pub(super) async fn partition(
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

    /// Deletes the items of a partition whose sort key begins with a prefix, page by page.
    pub(super) async fn delete_partition(
        &self,
        operation: &'static str,
        table: &str,
        (partition, prefix): (String, &str),
    ) -> Result<(), PortError> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#sk", keys::SK)
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":prefix", text(prefix))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(port_error(operation))?;
            let found = page.items.unwrap_or_default();
            let sorts = found.iter().filter_map(|item| item.get(keys::SK)?.as_s().ok());
            let some = sorts.map(|sort| (partition.clone(), sort.clone())).collect();
            self.delete_all(operation, table, some).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// All items with these keys that are there, in any order: one call for each hundred. What DynamoDB leaves
    /// out for want of capacity is read singly, which the SDK retries with backoff.
    pub(super) async fn get_all(
        &self,
        operation: &'static str,
        table: &str,
        wanted: Vec<(String, String)>,
    ) -> Result<Vec<Item>, PortError> {
        let mut found = Vec::new();
        for some in wanted.chunks(BATCH_GET) {
            let keys = some.iter().map(|of| key(of.clone())).collect();
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let keys = keys.map_err(|e| unbuildable(operation, e))?;
            let request = self.client.batch_get_item().request_items(table, keys).send_boxed().await;
            let answer = request.map_err(port_error(operation))?;
            found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
            let left = answer.unprocessed_keys.unwrap_or_default().remove(table);
            for rest in left.map(|left| left.keys).unwrap_or_default() {
                let get = self.client.get_item().table_name(table).set_key(Some(rest));
                let one =
                    get.consistent_read(true).send_boxed().await.map_err(port_error(operation))?;
                found.extend(one.item);
            }
        }
        Ok(found)
    }

    /// Deletes items of the tasks table, in order of the batches they fall into.
    pub(super) async fn delete_all(
        &self,
        operation: &'static str,
        table: &str,
        all: Vec<(String, String)>,
    ) -> Result<(), PortError> {
        for some in all.chunks(BATCH_WRITE) {
            let requests = some.iter().map(|of| {
                let delete = DeleteRequest::builder().set_key(Some(key(of.clone()))).build();
                let delete = delete.map_err(|e| unbuildable(operation, e))?;
                Ok(WriteRequest::builder().delete_request(delete).build())
            });
            let requests = requests.collect::<Result<Vec<_>, PortError>>()?;
            let sent = self.client.batch_write_item().request_items(table, requests).send_boxed().await;
            let left = sent.map_err(port_error(operation))?.unprocessed_items.unwrap_or_default();
            let left = left.into_values().flatten().filter_map(|request| request.delete_request);
            // One after the other: what was not processed was too much at a time.
            for request in left {
                let one = self.client.delete_item().table_name(table).set_key(Some(request.key));
                one.send_boxed().await.map_err(port_error(operation))?;
            }
        }
        Ok(())
    }
}
