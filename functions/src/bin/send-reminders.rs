//! Sends due reminders and other mails, for each batch of queue messages.

use aws_lambda_events::sqs::SqsEvent;
use jiff::Timestamp;
use taskbell_api::{
    mail::MailContext,
    workers::send_reminders::{Worker, handle_batch},
};
use taskbell_functions::{Environment, Error, LambdaEvent, SystemClock, SystemRandom, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, queue, mailer) = (env.dynamodb(), env.reminder_queue(), env.mailer());
    let api_url = env.required("API_URL");
    let clients = mailer.zip(env.pace()).zip(env.link_keys());
    let (((mailer, sender), pace), link_keys) = env.ready(clients).await?;
    let mail = MailContext { sender, api_url, link_keys };
    run(async |event: LambdaEvent<SqsEvent>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let (store, queue, mailer, mail) = (&store, &queue, &mailer, &mail);
        let (clock, random, pace) = (&SystemClock, &SystemRandom, &pace);
        let worker = Worker { store, queue, mailer, clock, random, mail, pace, deadline };
        Ok(handle_batch(&worker, event.payload).await)
    })
    .await
}
