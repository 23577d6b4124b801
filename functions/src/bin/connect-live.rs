//! Admits a WebSocket with a ticket: API Gateway invokes it for the route `$connect`.

use serde_json::json;
use taskbell_api::{system::SystemClock, workers::connect_live};
use taskbell_aws::LiveEvent;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, queue) = (env.dynamodb(), env.push_queue());
    let keys = env.link_keys();
    let keys = env.ready(keys).await?;
    run(async |event: LambdaEvent<LiveEvent>| {
        let (connection, ticket) = (event.payload.connection(), event.payload.ticket());
        let status =
            connect_live::handle(&store, &queue, &keys, &SystemClock, connection, ticket).await;
        Ok(json!({ "statusCode": status.as_u16() }))
    })
    .await
}
