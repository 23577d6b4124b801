//! A separate DynamoDB server for each test, with the tables of template.yaml.

use std::{collections::BTreeSet, net::SocketAddr};

use aws_sdk_dynamodb::{
    Client,
    config::timeout::TimeoutConfig,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection,
        ScalarAttributeType,
    },
};
use serde_json::Value;
use taskbell_aws::{Connection, Credentials, dynamodb::DynamoDb};
use tokio::task::JoinHandle;

/// A DynamoDB server, which stops when it is dropped.
pub struct Server {
    task: JoinHandle<()>,
    address: SocketAddr,
}

impl Server {
    /// A new server with empty tables.
    pub async fn start() -> Self {
        let database = dynoxide::Database::memory().expect("a database");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(dynoxide::server::serve_on(listener, database));
        let server = Self { task, address };
        for (id, table) in taskbell_test::template::resources("AWS::DynamoDB::Table") {
            create_table(&server.client(), &id, &table["Properties"]).await;
        }
        server
    }

    /// The client of a function, but without timeouts, which could fail on a busy machine.
    pub fn client(&self) -> Client {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let endpoint = self.endpoint();
        let connection = Connection::new("us-east-1".to_owned(), credentials, Some(endpoint), None);
        let client = connection.dynamodb();
        let config = client.config().to_builder().timeout_config(TimeoutConfig::disabled());
        Client::from_conf(config.build())
    }

    /// The URL of the server.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A store on this server.
    pub fn store(&self, client: Client) -> DynamoDb {
        DynamoDb::new(client, "AccountsTable".to_owned(), "TasksTable".to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn create_table(client: &Client, name: &str, declared: &Value) {
    let schema = |keys: &Value| -> Vec<KeySchemaElement> {
        let keys = keys.as_array().expect("a key schema").iter();
        keys.map(|key| {
            KeySchemaElement::builder()
                .attribute_name(key["AttributeName"].as_str().expect("a name"))
                .key_type(key["KeyType"].as_str().expect("a type").into())
                .build()
                .expect("a key")
        })
        .collect()
    };
    let attributes = declared["AttributeDefinitions"].as_array().expect("attributes").iter();
    let indexes = declared["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
    let indexes: Vec<_> = indexes
        .iter()
        .map(|index| {
            let kind = index["Projection"]["ProjectionType"].as_str().expect("a projection");
            let included = index["Projection"]["NonKeyAttributes"].as_array().map(|names| {
                names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
            });
            let projection =
                Projection::builder().projection_type(kind.into()).set_non_key_attributes(included);
            GlobalSecondaryIndex::builder()
                .index_name(index["IndexName"].as_str().expect("a name"))
                .set_key_schema(Some(schema(&index["KeySchema"])))
                .projection(projection.build())
                .build()
                .expect("an index")
        })
        .collect();
    let names: BTreeSet<_> = attributes.map(|a| a["AttributeName"].as_str().expect("a name")).collect();
    let definitions = names.into_iter().map(|name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("an attribute")
    });
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(schema(&declared["KeySchema"])))
        .set_attribute_definitions(Some(definitions.collect()))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await
        .expect("a table");
}
