//! Creates and rotates the key pair that signs access tokens. A CloudFormation custom resource.

use jiff::Timestamp;
use taskbell_api::workers::create_signing_key::{Request, handle};
use taskbell_aws::put_json;
use taskbell_functions::{Environment, Error, LambdaEvent, SystemClock, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let key = env.signing_key();
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<Request>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let response = handle(&event.payload, &key, &SystemClock, deadline).await;
        put_json(&event.payload.response_url, &response).await?;
        Ok(())
    })
    .await
}
