//! DynamoDB: two tables, `accounts` and `tasks`.
//!
//! Every method is one access pattern and, unless it says otherwise, one call. There is no Scan.

mod accounts;
mod batch;
mod comments;
mod digests;
mod items;
pub mod keys;
mod list;
mod notifications;
mod positions;
mod rate_limits;
mod spaces;
mod statistics;
mod tasks;
mod timers;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::{Config, retry::RetryConfig},
    error::SdkError,
    types::AttributeValue,
};
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use taskbell_domain::{ports::PortError, task::Task};

use crate::error::port_error;

type Item = HashMap<String, AttributeValue>;

/// The two tables and the client that reaches them. What a function may do to them is its role's to say.
#[derive(Clone)]
pub struct DynamoDb {
    client: Client,
    accounts: String,
    tasks: String,
}

impl DynamoDb {
    /// The tables with these names.
    pub fn new(client: Client, accounts: String, tasks: String) -> Self {
        Self { client, accounts, tasks }
    }

    /// Opens the two connections that a request uses at a time, one for its work and one for counting it. To be
    /// done at start, where a function has a whole processor and nobody waits yet. Should it fail, the first
    /// request opens what it needs.
    #[inline(never)] // as in `sent`
    pub fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            _ = futures_util::join!(self.warm_up_connection(), self.warm_up_connection())
        })
    }

    /// Sends the GET by which one asks DynamoDB whether it is healthy: it needs no permission and costs nothing.
    async fn warm_up_connection(&self) {
        // An operation that functions have anyway, turned into the GET before it is signed.
        let answer = self
            .client
            .get_item()
            .table_name(&self.accounts)
            .set_key(Some(Item::new()))
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .mutate_request(|request| {
                request.headers_mut().remove("content-length");
                *request.body_mut() = SdkBody::empty();
                // It fails for what is no method of HTTP.
                request.set_method("GET").expect("a method");
            })
            .send()
            .await;
        // Whatever the answer is, it is not the operation's; what counts is that there is one.
        if let Err(error @ (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_))) = answer {
            let error = port_error("opening a connection")(error);
            tracing::warn!(%error, "DynamoDB cannot be reached at start");
        }
    }
}

/// The task in an item that came by other ways than the client.
pub(crate) fn task_of(item: serde_dynamo::Item) -> Result<Task, PortError> {
    const OPERATION: &str = "reading a record of the stream";
    items::read::<items::TaskItem, _>(OPERATION, item.into())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key((partition, sort): (String, String)) -> Item {
    HashMap::from([(keys::PK.to_owned(), text(partition)), (keys::SK.to_owned(), text(sort))])
}
