//! Makes the caller an operator.

use taskbell_api::handlers::me::become_operator;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let operator = env.operator();
    let callers = env.callers(become_operator::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| become_operator::handle(call, &store, &queue, operator.as_ref()))
}
