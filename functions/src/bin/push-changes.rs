//! Sends changes to live connections, for each batch of its queue.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use taskbell_api::{system::SystemClock, workers::push_changes};
use taskbell_aws::parse_push;
use taskbell_functions::{Environment, Error, LambdaEvent, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, channel) = (env.dynamodb(), env.live_channel());
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<SqsEvent>| {
        let messages = event.payload.records.into_iter().filter_map(|record| record.body);
        let pushes = messages.filter_map(|message| {
            let push = parse_push(&message);
            if push.is_none() {
                tracing::error!("a message is not a push");
            }
            push
        });
        let pushes = pushes.collect();
        push_changes::handle(&store, &channel, &SystemClock, pushes).await;
        // Nothing is pushed again: by then clients have read the feed.
        Ok(SqsBatchResponse::default())
    })
    .await
}
