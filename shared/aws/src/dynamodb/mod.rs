//! DynamoDB: two tables, `accounts` and `tasks`.
//!
//! Every method is one access pattern and, unless it says otherwise, one call. There is no Scan.

mod accounts;
mod comments;
mod counts;
mod digests;
mod items;
pub mod keys;
mod limits;
mod list;
mod notices;
mod spaces;
mod tasks;
mod timers;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use taskbell_domain::{ports::PortError, task::Task};

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
