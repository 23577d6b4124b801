//! Sends a message from an operator to a user.

use taskbell_api::handlers::notifications::create_notification;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let callers = env.callers(create_notification::ENDPOINT);
    let second_factor = env.operator_second_factor();
    let ((callers, limit), second_factor) = env.ready(callers.zip(second_factor)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| create_notification::handle(call, &store, &queue, second_factor))
}
