//! Records delivery events of mails: SES publishes them to EventBridge, which invokes this function.

use lambda_runtime::{LambdaEvent, run};
use taskbell_api::workers::record_mail_events;
use taskbell_aws::MailEvent;
use taskbell_domain::delivery::Feedback;
use taskbell_functions::{Environment, Error, SystemClock, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(())).await?;
    run(service_fn(async |event: LambdaEvent<MailEvent>| {
        let event = event.payload;
        let Some((about, news)) = event.tags().zip(event.delivery_event()) else {
            tracing::warn!("event ignored: not about a mail of this stack");
            return Ok(());
        };
        record_mail_events::handle(&store, &about, &news, event.suppression_reason(), &SystemClock).await?;
        tracing::info!(mail = %about.target, feedback = news.feedback.map(Feedback::as_str), "recorded");
        Ok::<(), Error>(())
    }))
    .await
}
