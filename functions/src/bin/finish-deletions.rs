//! Deletes what is left of accounts that were deleted. A schedule runs it every five minutes.

use jiff::Timestamp;
use serde_json::Value;
use taskbell_api::workers::finish_deletions;
use taskbell_functions::{Environment, Error, LambdaEvent, SystemClock, SystemRandom, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<Value>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let ports = (&SystemClock as &_, &SystemRandom as &_);
        let result = finish_deletions::handle(&store, &pushes, ports, deadline).await?;
        Ok(serde_json::json!({ "finished": result.finished, "left": result.left }))
    })
    .await
}
