//! Confirms a second factor.

use taskbell_api::handlers::second_factor::confirm_second_factor;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (queue, pushes) = (env.reminder_queue(), env.push_queue());
    let callers = env.callers(confirm_second_factor::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| confirm_second_factor::handle(call, &store, &queue, &pushes))
}
