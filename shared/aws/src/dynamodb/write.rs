//! Conditional writes, alone or in transactions, and deletions of many items.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, Delete, DeleteRequest, Put, ReturnValuesOnConditionCheckFailure::AllOld,
        TransactWriteItem, WriteRequest,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use taskbell_domain::ports::{PortError, Replaced};

use super::{
    DynamoDb, Item, Key,
    items::{FromItem, InvalidAttribute, key_item, parse_item},
    key_attributes, keys, number, text,
};
use crate::{
    error::{corrupt, in_progress, invalid_request, item_error, port_error},
    send_boxed::SendBoxed,
};

/// The limit of requests per call.
///
/// Source: "BatchWriteItem", Amazon DynamoDB API reference.
pub(super) const MAX_BATCH_WRITE: usize = 25;

/// How often a transaction that conflicts with another is retried.
const CONFLICT_RETRIES: usize = 3;

/// The condition on which an item is written or deleted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition<'a> {
    /// None.
    Unconditional,
    /// No item with this key exists.
    NotExists,
    /// No item with this key exists, or it has expired by this second. DynamoDB deletes expired items only within days.
    NotExistsOrExpired(i64),
    /// An item with this key exists.
    Exists,
    /// The item exists and has this version.
    Version(u64),
    /// The task exists and has this revision.
    Revision(u64),
    /// The item exists, and this attribute has this text.
    Equals(&'a str, &'a str),
}

/// A condition expression, the attribute that `#name` stands for, and the value of `:value`.
type Expression<'a> = (&'static str, &'a str, Option<AttributeValue>);

impl<'a> Condition<'a> {
    fn expression(self) -> Option<Expression<'a>> {
        match self {
            Self::Unconditional => None,
            Self::NotExists => Some(("attribute_not_exists(#name)", keys::PK, None)),
            Self::NotExistsOrExpired(now) => {
                let expression = "attribute_not_exists(pk) OR #name <= :value";
                Some((expression, keys::EXPIRES_AT, Some(number(now))))
            }
            Self::Exists => Some(("attribute_exists(#name)", keys::PK, None)),
            Self::Version(version) => Some(("#name = :value", keys::VERSION, Some(number(version)))),
            Self::Revision(revision) => {
                Some(("#name = :value", keys::REVISION, Some(number(revision))))
            }
            Self::Equals(name, value) => Some(("#name = :value", name, Some(text(value)))),
        }
    }
}

/// The result of a transaction that reached DynamoDB.
pub(super) enum TransactionResult {
    /// All actions took effect.
    Committed,
    /// No action took effect. For each action: `None` if its condition held, otherwise the stored item if it exists.
    ConditionFailed(Vec<Option<Option<Item>>>),
}

/// A put action for a transaction.
pub(super) fn put(
    operation: &'static str,
    table: &str,
    item: Item,
    condition: Condition<'_>,
) -> Result<TransactWriteItem, PortError> {
    let mut put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .return_values_on_condition_check_failure(AllOld);
    if let Some((expression, name, value)) = condition.expression() {
        put = put.condition_expression(expression).expression_attribute_names("#name", name);
        put = put.set_expression_attribute_values(value.map(named));
    }
    let put = put.build().map_err(|e| invalid_request(operation, e))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// A delete action for a transaction.
pub(super) fn delete(
    operation: &'static str,
    table: &str,
    key: Key,
    condition: Condition<'_>,
) -> Result<TransactWriteItem, PortError> {
    let mut delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key_attributes(key)))
        .return_values_on_condition_check_failure(AllOld);
    if let Some((expression, name, value)) = condition.expression() {
        delete = delete.condition_expression(expression).expression_attribute_names("#name", name);
        delete = delete.set_expression_attribute_values(value.map(named));
    }
    let delete = delete.build().map_err(|e| invalid_request(operation, e))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// The version in the item of a counter; 0 without an item.
pub(super) fn version_of(operation: &'static str, counter: Option<Item>) -> Result<u64, PortError> {
    let Some(counter) = counter else { return Ok(0) };
    let version = counter.get(keys::VERSION).and_then(|value| value.as_n().ok()?.parse().ok());
    version.ok_or_else(|| corrupt(operation, keys::VERSION))
}

/// Increments the version of a counter, on condition that it is still `read`. Nothing if `read` is `None`.
pub(super) fn increment_version(
    operation: &'static str,
    table: &str,
    key: Key,
    read: Option<u64>,
) -> Result<Option<TransactWriteItem>, PortError> {
    let Some(read) = read else { return Ok(None) };
    let condition = if read == 0 { Condition::NotExists } else { Condition::Version(read) };
    let mut counter = key_item(key);
    counter.insert(keys::VERSION.to_owned(), number(read + 1));
    put(operation, table, counter, condition).map(Some)
}

/// Whether a transaction was cancelled only because of a conflict with another transaction.
fn is_transaction_conflict(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return false;
    };
    let mut codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.all(|code| matches!(code, "None" | "TransactionConflict"))
}

fn named(value: AttributeValue) -> HashMap<String, AttributeValue> {
    HashMap::from([(":value".to_owned(), value)])
}

/// The conflict with what is stored instead of the expected version.
pub(super) fn conflict<S, D>(
    operation: &'static str,
    stored: Option<Item>,
) -> Result<Replaced<D>, PortError>
where
    S: FromItem + TryInto<D, Error = InvalidAttribute>,
{
    let stored = stored.map(|item| parse_item::<S, D>(operation, item)).transpose()?;
    Ok(Replaced::Conflict(stored.map(Box::new)))
}

impl DynamoDb {
    /// Stores an item on a condition on the stored one.
    pub(super) async fn replace_item<S, D>(
        &self,
        operation: &'static str,
        table: &str,
        item: Item,
        condition: Condition<'_>,
    ) -> Result<Replaced<D>, PortError>
    where
        S: FromItem + TryInto<D, Error = InvalidAttribute>,
    {
        let mut put = self
            .client
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(AllOld);
        if let Some((expression, name, value)) = condition.expression() {
            put = put
                .condition_expression(expression)
                .expression_attribute_names("#name", name)
                .set_expression_attribute_values(value.map(named));
        }
        let Err(error) = put.send_boxed().await else { return Ok(Replaced::Stored) };
        match error.as_service_error() {
            // An equal item is no proof of an own write: two workers that claim a delivery in the same second store
            // equal items. So a write that the SDK sent again after a lost response is a conflict, too.
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                conflict::<S, D>(operation, failed.item().cloned())
            }
            _ => Err(port_error(operation)(error)),
        }
    }

    /// Carries out all actions, or none. A conflict with another transaction is retried, since the SDK does not.
    pub(super) async fn transact(
        &self,
        operation: &'static str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<TransactionResult, PortError> {
        let send = || {
            let request = self.client.transact_write_items();
            request.set_transact_items(Some(actions.clone())).send_boxed()
        };
        let mut result = send().await;
        // The other transaction ends within milliseconds.
        for _ in 0..CONFLICT_RETRIES {
            if !result.as_ref().is_err_and(is_transaction_conflict) {
                break;
            }
            result = send().await;
        }
        let Err(error) = result else { return Ok(TransactionResult::Committed) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let reasons = canceled.cancellation_reasons().iter();
            let failed: Vec<_> = reasons
                .map(|reason| {
                    let failed = reason.code() == Some("ConditionalCheckFailed");
                    failed.then(|| reason.item().cloned())
                })
                .collect();
            if failed.iter().any(Option::is_some) {
                return Ok(TransactionResult::ConditionFailed(failed));
            }
            let mut codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            if let Some(error) = codes.find_map(|code| item_error(operation, code)) {
                return Err(error);
            }
        }
        Err(port_error(operation)(error))
    }

    /// Carries out all actions, or none. The first one replaces or deletes an item at an expected version.
    ///
    /// # Errors
    /// A transient [`PortError`] if the condition of another action failed.
    pub(super) async fn transact_replace<S, D>(
        &self,
        operation: &'static str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Replaced<D>, PortError>
    where
        S: FromItem + TryInto<D, Error = InvalidAttribute>,
    {
        match self.transact(operation, actions).await? {
            TransactionResult::Committed => Ok(Replaced::Stored),
            TransactionResult::ConditionFailed(failed) => match failed.into_iter().next().flatten() {
                Some(stored) => conflict::<S, D>(operation, stored),
                None => Err(in_progress(operation)),
            },
        }
    }

    /// Deletes items in the given order of batches: one call per 25 keys, and one call per unprocessed key.
    pub(super) async fn batch_delete(
        &self,
        operation: &'static str,
        table: &str,
        keys: Vec<Key>,
    ) -> Result<(), PortError> {
        for chunk in keys.chunks(MAX_BATCH_WRITE) {
            let requests = chunk.iter().map(|key| {
                let delete = DeleteRequest::builder().set_key(Some(key_attributes(key.clone())));
                let delete = delete.build().map_err(|e| invalid_request(operation, e))?;
                Ok(WriteRequest::builder().delete_request(delete).build())
            });
            let requests = requests.collect::<Result<Vec<_>, PortError>>()?;
            let sent = self.client.batch_write_item().request_items(table, requests).send_boxed().await;
            let unprocessed =
                sent.map_err(port_error(operation))?.unprocessed_items.unwrap_or_default();
            let unprocessed = unprocessed.into_values().flatten();
            // DynamoDB throttled them: one by one, with the backoff of the SDK.
            for request in unprocessed.filter_map(|request| request.delete_request) {
                let delete = self.client.delete_item().table_name(table).set_key(Some(request.key));
                delete.send_boxed().await.map_err(port_error(operation))?;
            }
        }
        Ok(())
    }

    /// Deletes the items of a partition whose sort key has a prefix, page by page.
    pub(super) async fn delete_partition(
        &self,
        operation: &'static str,
        table: &str,
        partition: (String, &str),
    ) -> Result<(), PortError> {
        self.delete_partition_except(operation, table, partition, None).await
    }

    /// The same, but for the item with the sort key `kept`.
    pub(super) async fn delete_partition_except(
        &self,
        operation: &'static str,
        table: &str,
        (partition, prefix): (String, &str),
        kept: Option<&str>,
    ) -> Result<(), PortError> {
        let mut start = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("#pk = :pk")
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_names("#sk", keys::SK)
                .expression_attribute_values(":pk", text(&partition))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            if !prefix.is_empty() {
                query = query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix));
            }
            let page = query.send_boxed().await.map_err(port_error(operation))?;
            let items = page.items.unwrap_or_default();
            let sort_keys = items.iter().filter_map(|item| item.get(keys::SK)?.as_s().ok());
            let sort_keys = sort_keys.filter(|sort| Some(sort.as_str()) != kept);
            let keys = sort_keys.map(|sort| (partition.clone(), sort.clone())).collect();
            self.batch_delete(operation, table, keys).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}
