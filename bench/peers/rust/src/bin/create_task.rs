//! Creates a task like a typical function in Rust: one call to DynamoDB, without authentication and validation.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    let table = env::var("TASKS_TABLE")?;
    run(service_fn(|request| create(&client, &table, request))).await
}

async fn create(client: &Client, table: &str, request: Request) -> Result<Response<Body>, Error> {
    let task: Value = serde_json::from_slice(request.body())?;
    let text = |name: &str| AttributeValue::S(task[name].as_str().unwrap_or_default().to_owned());
    let id = Uuid::new_v4().to_string();
    client
        .put_item()
        .table_name(table)
        .item("pk", AttributeValue::S(format!("PEER#{id}")))
        .item("sk", AttributeValue::S("TASK".to_owned()))
        .item("title", text("title"))
        .item("description", text("description"))
        .item("priority", text("priority"))
        .item("due", text("due"))
        .send()
        .await?;
    tracing::info!("created");
    let body = json!({
        "id": id,
        "title": task["title"],
        "description": task["description"],
        "priority": task["priority"],
        "due": task["due"],
    });
    let response = Response::builder().status(201).header("content-type", "application/json");
    Ok(response.body(body.to_string().into())?)
}
