//! Idempotency records, and transactions that store one.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem};
use jiff::Timestamp;
use taskbell_domain::{
    id::UserId,
    ports::{Created, IdempotencyRecord, IdempotencyRecords, PortError},
};

use super::{
    DynamoDb,
    items::{IdempotencyItem, build_item, parse_item},
    keys, number,
    write::TransactionResult,
};
use crate::error::invalid_request;

impl IdempotencyRecords for DynamoDb {
    async fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<IdempotencyRecord>, PortError> {
        const OPERATION: &str = "reading idempotency records";
        let keys = key_hashes.iter().map(|hash| keys::idempotency(user, hash)).collect();
        let items = self.get_items(OPERATION, &self.tasks, keys).await?.into_iter();
        let records =
            items.map(|item| parse_item::<IdempotencyItem, IdempotencyRecord>(OPERATION, item));
        let mut records = records.collect::<Result<Vec<_>, _>>()?;
        records.retain(|record| record.expires_at > now);
        Ok(records)
    }
}

impl DynamoDb {
    /// Stores an idempotency record, unless one exists that has not expired.
    pub(super) fn put_idempotency_record(
        &self,
        operation: &'static str,
        record: &IdempotencyRecord,
    ) -> Result<TransactWriteItem, PortError> {
        let key = keys::idempotency(record.user, &record.key_hash);
        let put = Put::builder()
            .table_name(&self.tasks)
            .set_item(Some(build_item(operation, key, &IdempotencyItem::from(record))?))
            .condition_expression("attribute_not_exists(#pk) OR #expires_at <= :now")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#expires_at", keys::EXPIRES_AT)
            .expression_attribute_values(":now", number(record.created_at.as_second()))
            .return_values_on_condition_check_failure(AllOld)
            .build()
            .map_err(|e| invalid_request(operation, e))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Carries out all actions and stores the record, if one is given, or does nothing. Returns `None` if a condition
    /// of the actions failed.
    pub(super) async fn transact_with_record(
        &self,
        operation: &'static str,
        mut actions: Vec<TransactWriteItem>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        if let Some(record) = record {
            actions.insert(0, self.put_idempotency_record(operation, record)?);
        }
        let failed = match self.transact(operation, actions).await? {
            TransactionResult::Committed => return Ok(Some(Created::Stored)),
            TransactionResult::ConditionFailed(failed) => failed,
        };
        match failed.into_iter().next().flatten().flatten().filter(|_| record.is_some()) {
            Some(used) => {
                parse_item::<IdempotencyItem, _>(operation, used).map(Created::Replayed).map(Some)
            }
            None => Ok(None),
        }
    }
}
