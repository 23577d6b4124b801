//! Forgets a WebSocket that has ended: API Gateway invokes it for the route `$disconnect`.

use lambda_runtime::{LambdaEvent, run};
use serde_json::json;
use taskbell_api::workers::disconnect_live;
use taskbell_aws::LiveEvent;
use taskbell_functions::{Environment, Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(())).await?;
    run(service_fn(async |event: LambdaEvent<LiveEvent>| {
        disconnect_live::handle(&store, event.payload.connection()).await?;
        Ok::<_, Error>(json!({ "statusCode": 200 }))
    }))
    .await
}
