//! Sends changes to live connections, for each batch of its queue.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{LambdaEvent, run};
use taskbell_api::{system::SystemClock, workers::push_changes};
use taskbell_aws::parse_push;
use taskbell_functions::{Environment, Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, channel) = (env.dynamodb(), env.live_channel());
    env.ready(Some(())).await?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let messages = event.payload.records.into_iter().filter_map(|record| record.body);
        let pushes = messages.filter_map(|message| parse_push(&message)).collect();
        let pushed = push_changes::handle(&store, &channel, &SystemClock, pushes).await;
        tracing::debug!(
            sent = pushed.sent,
            dropped = pushed.dropped,
            gone = pushed.gone,
            "changes pushed"
        );
        // Nothing is pushed again: by then clients have read the feed.
        Ok::<_, Error>(SqsBatchResponse::default())
    }))
    .await
}
