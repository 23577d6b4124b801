//! Reads a task like a typical function in Rust: one call to DynamoDB, without authentication.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Body, Error, Request, RequestExt, Response, run, service_fn};
use serde_json::json;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    let table = env::var("TASKS_TABLE")?;
    run(service_fn(|request| get(&client, &table, request))).await
}

async fn get(client: &Client, table: &str, request: Request) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let id = parameters.first("task_id").unwrap_or_default().trim_start_matches("tsk_");
    let output = client
        .get_item()
        .table_name(table)
        .key("pk", AttributeValue::S(format!("TASK#{id}")))
        .key("sk", AttributeValue::S("TASK".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let Some(item) = output.item else {
        return Ok(Response::builder().status(404).body(Body::Empty)?);
    };
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    tracing::info!("read");
    let body = json!({
        "id": id,
        "title": text("title"),
        "description": text("description"),
        "status": text("status"),
        "priority": text("priority"),
        "due": text("due"),
    });
    let response = Response::builder().status(200).header("content-type", "application/json");
    Ok(response.body(body.to_string().into())?)
}
