//! Sends changes to live connections, for each batch of its queue.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{LambdaEvent, run};
use taskbell_api::{
    system::SystemClock,
    workers::push_changes::{self, Pushed},
};
use taskbell_aws::parse_push;
use taskbell_functions::{Environment, Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, channel) = (env.dynamodb(), env.live_channel());
    env.ready(Some(())).await?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let messages = event.payload.records.into_iter().filter_map(|record| record.body);
        let pushes = messages.filter_map(|message| {
            let push = parse_push(&message);
            if push.is_none() {
                tracing::error!("a message is not a push");
            }
            push
        });
        let pushes = pushes.collect();
        let pushed = push_changes::handle(&store, &channel, &SystemClock, pushes).await;
        if pushed.dropped > 0 {
            let Pushed { sent, dropped, gone } = pushed;
            tracing::info!(sent, dropped, gone, "some changes not pushed");
        }
        // Nothing is pushed again: by then clients have read the feed.
        Ok::<_, Error>(SqsBatchResponse::default())
    }))
    .await
}
