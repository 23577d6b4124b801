//! Writes on conditions, alone or together.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use taskbell_domain::ports::{PortError, Replaced};

use super::{
    DynamoDb, Item,
    items::{FromItem, Unreadable, read},
    key, keys, number, text,
};
use crate::{
    error::{elsewhere, port_error, refused_item, unbuildable},
    send_boxed::SendBoxed,
};

/// On which condition an item is written or deleted.
#[derive(Debug, Clone, Copy)]
pub(super) enum When<'a> {
    /// On none.
    Always,
    /// There is none with its key.
    Absent,
    /// There is one with its key.
    Present,
    /// It is there, with this version.
    Version(u64),
    /// It is there, with this text in that attribute.
    Has(&'a str, &'a str),
}

/// A condition on the attribute `#name`, and the value that it calls `:value`.
type Condition<'a> = (&'static str, &'a str, Option<AttributeValue>);

impl<'a> When<'a> {
    fn condition(self) -> Option<Condition<'a>> {
        match self {
            Self::Always => None,
            Self::Absent => Some(("attribute_not_exists(#name)", keys::PK, None)),
            Self::Present => Some(("attribute_exists(#name)", keys::PK, None)),
            Self::Version(version) => Some(("#name = :value", keys::VERSION, Some(number(version)))),
            Self::Has(name, value) => Some(("#name = :value", name, Some(text(value)))),
        }
    }
}

/// What came of a transaction.
pub(super) enum Transacted {
    /// All of it is written.
    Done,
    /// Nothing is written: of each action, whether its condition failed, and what stood there.
    Refused(Vec<Option<Option<Item>>>),
}

/// Stores an item on a condition.
pub(super) fn put(
    operation: &'static str,
    table: &str,
    item: Item,
    when: When<'_>,
) -> Result<TransactWriteItem, PortError> {
    let mut put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .return_values_on_condition_check_failure(AllOld);
    if let Some((condition, name, value)) = when.condition() {
        put = put.condition_expression(condition).expression_attribute_names("#name", name);
        put = put.set_expression_attribute_values(value.map(named));
    }
    let put = put.build().map_err(|e| unbuildable(operation, e))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Deletes an item on a condition.
pub(super) fn delete(
    operation: &'static str,
    table: &str,
    of: (String, String),
    when: When<'_>,
) -> Result<TransactWriteItem, PortError> {
    let mut delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key(of)))
        .return_values_on_condition_check_failure(AllOld);
    if let Some((condition, name, value)) = when.condition() {
        delete = delete.condition_expression(condition).expression_attribute_names("#name", name);
        delete = delete.set_expression_attribute_values(value.map(named));
    }
    let delete = delete.build().map_err(|e| unbuildable(operation, e))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// How often a transaction that has met another one is tried again.
const CONFLICTS: usize = 3;

/// Whether a transaction was cancelled for no other reason than that another one was under way.
fn only_conflicts(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
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

/// What stands there instead of what was expected.
pub(super) fn conflict<S, D>(
    operation: &'static str,
    present: Option<Item>,
) -> Result<Replaced<D>, PortError>
where
    S: FromItem + TryInto<D, Error = Unreadable>,
{
    let present = present.map(|item| read::<S, D>(operation, item)).transpose()?;
    Ok(Replaced::Conflict(present.map(Box::new)))
}

impl DynamoDb {
    /// Stores an item if the stored one still has the version `expected`.
    pub(super) async fn replace_item<S, D>(
        &self,
        operation: &'static str,
        table: &str,
        item: Item,
        expected: u64,
    ) -> Result<Replaced<D>, PortError>
    where
        S: FromItem + TryInto<D, Error = Unreadable>,
    {
        let result = self
            .client
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", keys::VERSION)
            .expression_attribute_values(":version", number(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send_boxed()
            .await;
        let Err(error) = result else { return Ok(Replaced::Stored) };
        match error.as_service_error() {
            // Even an equal item may be somebody else's: two workers claim in the same second alike. So a write
            // that the SDK has sent again, because its answer was lost, counts as refused, too.
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                conflict::<S, D>(operation, refused.item().cloned())
            }
            _ => Err(port_error(operation)(error)),
        }
    }

    /// Carries out actions together.
    pub(super) async fn transact(
        &self,
        operation: &'static str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Transacted, PortError> {
        let send = || {
            let request = self.client.transact_write_items();
            request.set_transact_items(Some(actions.clone())).send_boxed()
        };
        let mut sent = send().await;
        // Another one was under way on one of the items; it is over in milliseconds. The SDK does not try again.
        for _ in 0..CONFLICTS {
            if !sent.as_ref().is_err_and(only_conflicts) {
                break;
            }
            sent = send().await;
        }
        let Err(error) = sent else { return Ok(Transacted::Done) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let reasons = canceled.cancellation_reasons().iter();
            let refused: Vec<_> = reasons
                .map(|reason| {
                    let failed = reason.code() == Some("ConditionalCheckFailed");
                    failed.then(|| reason.item().cloned())
                })
                .collect();
            if refused.iter().any(Option::is_some) {
                return Ok(Transacted::Refused(refused));
            }
            let mut codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            if let Some(refused) = codes.find_map(|code| refused_item(operation, code)) {
                return Err(refused);
            }
        }
        Err(port_error(operation)(error))
    }

    /// Carries out actions of which the first is about the version of what is replaced.
    pub(super) async fn replace_with<S, D>(
        &self,
        operation: &'static str,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Replaced<D>, PortError>
    where
        S: FromItem + TryInto<D, Error = Unreadable>,
    {
        match self.transact(operation, actions).await? {
            Transacted::Done => Ok(Replaced::Stored),
            Transacted::Refused(reasons) => match reasons.into_iter().next().flatten() {
                Some(present) => conflict::<S, D>(operation, present),
                None => Err(elsewhere(operation)),
            },
        }
    }
}
