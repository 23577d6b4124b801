//! Records delivery events of mails: SES publishes them to EventBridge, which invokes this function.

use taskbell_api::workers::record_mail_events;
use taskbell_aws::MailEvent;
use taskbell_domain::delivery::Feedback;
use taskbell_functions::{Environment, Error, LambdaEvent, SystemClock, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(())).await?;
    run(async |event: LambdaEvent<MailEvent>| {
        let event = event.payload;
        let Some((tags, delivery_event)) = event.tags().zip(event.delivery_event()) else {
            tracing::warn!("event ignored: not about a mail of this stack");
            return Ok(());
        };
        let suppress = event.suppression_reason();
        record_mail_events::handle(&store, &tags, &delivery_event, suppress, &SystemClock).await?;
        let feedback = delivery_event.feedback.map(Feedback::as_str);
        tracing::info!(mail = %tags.target, feedback, "mail event recorded");
        Ok(())
    })
    .await
}
