//! Appends changes to the change feeds of spaces, for each batch of the tasks table's stream.

use serde_json::json;
use taskbell_api::{
    system::SystemClock,
    workers::relay_changes::{self, named},
};
use taskbell_aws::TaskStream;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, queue) = (env.dynamodb(), env.push_queue());
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<TaskStream>| {
        let records = event.payload.records.into_iter();
        let changes = records.flat_map(|record| {
            let name = record.sequence().to_owned();
            named(name, record.changes())
        });
        let failed = relay_changes::handle(&store, &queue, &SystemClock, changes).await;
        let failures: Vec<_> =
            failed.map(|name| json!({ "itemIdentifier": name })).into_iter().collect();
        Ok(json!({ "batchItemFailures": failures }))
    })
    .await
}
