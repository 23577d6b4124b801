//! Forgets a WebSocket that has ended: API Gateway invokes it for the route `$disconnect`.

use serde_json::json;
use taskbell_api::workers::disconnect_live;
use taskbell_aws::LiveEvent;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<LiveEvent>| {
        disconnect_live::handle(&store, event.payload.connection()).await?;
        Ok(json!({ "statusCode": 200 }))
    })
    .await
}
