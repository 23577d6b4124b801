//! Receives what clients send on WebSockets: API Gateway invokes it for the route `$default`.

use serde_json::json;
use taskbell_api::{system::SystemClock, workers::receive_live};
use taskbell_aws::LiveEvent;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, channel) = (env.dynamodb(), env.live_channel());
    let keys = env.link_keys();
    let keys = env.ready(keys).await?;
    run(async |event: LambdaEvent<LiveEvent>| {
        let message = (event.payload.connection(), event.payload.message());
        receive_live::handle(&store, &channel, &keys, &SystemClock, message).await?;
        Ok(json!({ "statusCode": 200 }))
    })
    .await
}
