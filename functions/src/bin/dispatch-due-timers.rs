//! Enqueues the timers of the next two minutes. A schedule runs it every minute.

use jiff::Timestamp;
use serde_json::Value;
use taskbell_api::workers::dispatch_due_timers;
use taskbell_functions::{Environment, Error, LambdaEvent, SystemClock, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, queue) = (env.dynamodb(), env.reminder_queue());
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<Value>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let queued = dispatch_due_timers::handle(&store, &queue, &SystemClock, deadline).await?;
        Ok(serde_json::json!({ "queued": queued }))
    })
    .await
}
