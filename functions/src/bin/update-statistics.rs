//! Updates the statistics of tasks, for each batch of the tasks table's stream.

use serde_json::json;
use taskbell_api::workers::update_statistics;
use taskbell_aws::TaskStream;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<TaskStream>| {
        let records = event.payload.records.into_iter();
        let changes = records.map(|record| (record.sequence().to_owned(), record.tasks()));
        let failed = update_statistics::handle(&store, changes).await;
        let failures: Vec<_> =
            failed.map(|name| json!({ "itemIdentifier": name })).into_iter().collect();
        Ok(json!({ "batchItemFailures": failures }))
    })
    .await
}
