//! Keeps count of tasks: for each batch of the stream of the tasks table.

use lambda_runtime::{LambdaEvent, run};
use serde_json::{Value, json};
use taskbell_api::workers::count_tasks;
use taskbell_aws::TaskStream;
use taskbell_functions::{Environment, Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(()))?;
    run(service_fn(async |event: LambdaEvent<TaskStream>| {
        for record in event.payload.records {
            let sequence = record.sequence().to_owned();
            let (before, after) = match record.tasks() {
                Ok(tasks) => tasks,
                Err(error) => {
                    // Nothing would come of trying again, and those behind it wait.
                    tracing::error!(%error, "a record was passed over");
                    continue;
                }
            };
            if let Err(error) = count_tasks::handle(&store, before.as_ref(), after.as_ref()).await {
                tracing::warn!(%error, "not counted");
                // What comes behind it in the stream may be about the same task.
                return Ok::<Value, Error>(
                    json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }),
                );
            }
        }
        Ok(json!({ "batchItemFailures": [] }))
    }))
    .await
}
