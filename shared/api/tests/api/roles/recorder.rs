//! Interceptors that record the permissions that calls need, and that make calls fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::BatchGetItemInput, batch_write_item::BatchWriteItemInput,
        delete_item::DeleteItemInput, get_item::GetItemInput, put_item::PutItemInput,
        query::QueryInput, transact_write_items::TransactWriteItemsInput, update_item::UpdateItemInput,
    },
    types::AttributeValue,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, context::BeforeSerializationInterceptorContextMut, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Value, json};

use taskbell_test_aws::intercept::{Interception, intercepted, unprocessed_batches};

type Attributes = std::collections::HashMap<String, AttributeValue>;

/// The permission that a call needs: an action on a table or index, with the leading keys of its items. An operation of a
/// transaction needs the permission of the equivalent single call
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) place: String,
    pub(super) action: &'static str,
    pub(super) keys: BTreeSet<String>,
}

/// Records the permissions that calls need.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Wanted>>>);

fn partition(item: Option<&Attributes>) -> String {
    let key = item.and_then(|item| item.get("pk")).and_then(|value| value.as_s().ok());
    key.expect("a partition key").clone()
}

/// The partition of a query: the value of the first key condition.
fn queried(input: &QueryInput) -> String {
    let condition = input.key_condition_expression().expect("a condition");
    let name = condition.split("= ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a value");
    let values = input.expression_attribute_values().expect("values");
    values[name].as_s().expect("a text").clone()
}

#[dyn_dispatch_hint]
impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        let mut all: BTreeMap<(String, &'static str), BTreeSet<String>> = BTreeMap::new();
        let mut add = |place: Option<&str>, action, key: String| {
            all.entry((place.expect("a table").to_owned(), action)).or_default().insert(key);
        };
        if let Some(get) = input.downcast_ref::<GetItemInput>() {
            add(get.table_name(), "dynamodb:GetItem", partition(get.key()));
        } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
            add(put.table_name(), "dynamodb:PutItem", partition(put.item()));
        } else if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
            add(update.table_name(), "dynamodb:UpdateItem", partition(update.key()));
        } else if let Some(delete) = input.downcast_ref::<DeleteItemInput>() {
            add(delete.table_name(), "dynamodb:DeleteItem", partition(delete.key()));
        } else if let Some(query) = input.downcast_ref::<QueryInput>() {
            let place = match query.index_name() {
                Some(index) => format!("{}/index/{index}", query.table_name().expect("a table")),
                None => query.table_name().expect("a table").to_owned(),
            };
            add(Some(&place), "dynamodb:Query", queried(query));
        } else if let Some(batch) = input.downcast_ref::<BatchGetItemInput>() {
            for (table, wanted) in batch.request_items().expect("requests") {
                for key in wanted.keys() {
                    add(Some(table), "dynamodb:BatchGetItem", partition(Some(key)));
                }
            }
        } else if let Some(batch) = input.downcast_ref::<BatchWriteItemInput>() {
            for (table, requests) in batch.request_items().expect("requests") {
                for request in requests {
                    let key = request.delete_request().map(|delete| delete.key());
                    add(Some(table), "dynamodb:BatchWriteItem", partition(key));
                }
            }
        } else if let Some(transaction) = input.downcast_ref::<TransactWriteItemsInput>() {
            for action in transaction.transact_items() {
                if let Some(put) = action.put() {
                    add(Some(put.table_name()), "dynamodb:PutItem", partition(Some(put.item())));
                } else if let Some(update) = action.update() {
                    add(
                        Some(update.table_name()),
                        "dynamodb:UpdateItem",
                        partition(Some(update.key())),
                    );
                } else if let Some(delete) = action.delete() {
                    add(
                        Some(delete.table_name()),
                        "dynamodb:DeleteItem",
                        partition(Some(delete.key())),
                    );
                } else if let Some(check) = action.condition_check() {
                    let key = partition(Some(check.key()));
                    add(Some(check.table_name()), "dynamodb:ConditionCheckItem", key);
                }
            }
        } else {
            panic!("an operation that this test does not know");
        }
        let mut recorded = self.0.lock().expect("not poisoned");
        recorded.extend(all.into_iter().map(|((place, action), keys)| Wanted { place, action, keys }));
        Ok(())
    }
}

impl Recorder {
    /// The client with recording.
    pub(super) fn on(&self, client: &Client) -> Client {
        Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// The records since the last reading.
    pub(super) fn take(&self) -> Vec<Wanted> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

/// Failures that lead to unusual paths: batches leave items unprocessed, and the first try of each conditional write fails.
/// The second try of a transaction has a conflict.
#[derive(Clone, Default)]
pub(super) struct Failures(Arc<Mutex<Option<BTreeMap<String, u32>>>>);

impl Failures {
    /// The client with failures, once they have begun.
    pub(super) fn on(&self, client: &Client) -> Client {
        let failures = self.clone();
        intercepted(client, move |operation, body| failures.intercept(operation, body))
    }

    /// Starts the failures, or starts again: each write fails once more.
    pub(super) fn begin(&self) {
        *self.0.lock().expect("not poisoned") = Some(BTreeMap::new());
    }

    /// Ends the failures.
    pub(super) fn end(&self) {
        *self.0.lock().expect("not poisoned") = None;
    }

    fn intercept(&self, operation: &str, body: &Value) -> Interception {
        let mut tried = self.0.lock().expect("not poisoned");
        let Some(tried) = tried.as_mut() else { return Interception::Send };
        let mut body = body.clone();
        let written = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => vec![&mut body],
            "TransactWriteItems" => {
                let actions = body["TransactItems"].as_array_mut().expect("actions").iter_mut();
                actions.flat_map(|action| action.as_object_mut().expect("one").values_mut()).collect()
            }
            _ => return unprocessed_batches(operation, &body),
        };
        let actions = written.len();
        let Some(conditional) = written.into_iter().find(|one| one["ConditionExpression"].is_string())
        else {
            return Interception::Send;
        };
        let key = [&conditional["Key"], &conditional["Item"]["pk"], &conditional["Item"]["sk"]];
        let times = tried.entry(format!("{operation} {key:?}")).or_default();
        *times += 1;
        match *times {
            1 => {
                let condition = conditional["ConditionExpression"].as_str().expect("a condition");
                let never = format!("({condition}) AND attribute_exists(never)");
                conditional["ConditionExpression"] = json!(never);
                Interception::SendModified(body)
            }
            2 if operation == "TransactWriteItems" => {
                let reason = json!({ "Code": "TransactionConflict", "Message": "It is ongoing." });
                let answer = json!({
                    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                    "Message": "Transaction cancelled",
                    "CancellationReasons": vec![reason; actions],
                });
                Interception::Respond(400, answer)
            }
            _ => Interception::Send,
        }
    }
}
