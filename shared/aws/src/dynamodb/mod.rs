//! DynamoDB: the tables `accounts` and `tasks`.
//!
//! Every method is one access pattern and, unless stated otherwise, one call. Nothing uses Scan.

mod account_changes;
mod account_deletions;
mod accounts;
mod api_tokens;
mod comments;
mod digests;
mod feeds;
mod idempotency;
mod imports;
mod items;
pub mod keys;
mod list;
mod live;
mod moves;
mod notifications;
mod positions;
mod purge;
mod rate_limits;
mod read;
mod registrations;
mod second_factors;
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
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use taskbell_domain::{ports::PortError, task::Task};

use self::read::OpenRead;
use crate::error::port_error;

type Item = HashMap<String, AttributeValue>;

/// Partition key and sort key of an item.
type Key = (String, String);

/// Both tables and a client. The role of the function decides which actions are allowed.
#[derive(Clone)]
pub struct DynamoDb {
    client: Client,
    accounts: String,
    tasks: String,
    open_read: OpenRead,
}

impl DynamoDb {
    /// `accounts` and `tasks` are table names.
    pub fn new(client: Client, accounts: String, tasks: String) -> Self {
        Self { client, accounts, tasks, open_read: OpenRead::default() }
    }

    /// Opens two connections: a request uses one for its work and, at the same time, one for its rate limit. Called
    /// during the init phase, when a function has a full vCPU and no caller waits. If it fails, a warning is logged and
    /// the first request opens the connections.
    #[inline(never)] // as in send_boxed
    pub fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            _ = futures_util::join!(self.warm_up_connection(), self.warm_up_connection())
        })
    }

    /// Sends a GET request for the root path: DynamoDB answers it as a health check, without permissions or cost.
    async fn warm_up_connection(&self) {
        // GetItem, which every function links anyway, changed to the GET request before it is signed.
        let answer = self
            .client
            .get_item()
            .table_name(&self.accounts)
            .set_key(Some(Item::new()))
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .map_request(|mut request| {
                request.headers_mut().remove("content-length");
                *request.body_mut() = SdkBody::empty();
                request.set_method("GET")?;
                Ok::<_, HttpError>(request)
            })
            .send()
            .await;
        // The answer is not one of GetItem and does not matter, only that there is one.
        if let Err(
            error @ (SdkError::DispatchFailure(_)
            | SdkError::TimeoutError(_)
            | SdkError::ConstructionFailure(_)),
        ) = answer
        {
            let error = port_error("opening a connection")(error);
            tracing::warn!(%error, "DynamoDB cannot be reached at start");
        }
    }
}

/// The task in an item of a stream record.
pub(crate) fn task_of(item: serde_dynamo::Item) -> Result<Task, PortError> {
    const OPERATION: &str = "reading a stream record";
    items::parse_item::<items::TaskItem, _>(OPERATION, item.into())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key_attributes((partition, sort): Key) -> Item {
    HashMap::from([(keys::PK.to_owned(), text(partition)), (keys::SK.to_owned(), text(sort))])
}
