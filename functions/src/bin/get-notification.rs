//! Returns a message and its delivery.

use taskbell_api::handlers::notifications::get_notification;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(get_notification::ENDPOINT);
    let second_factor = env.operator_second_factor();
    let ((callers, limit), second_factor) = env.ready(callers.zip(second_factor)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| get_notification::handle(call, &store, second_factor))
}
