//! Makes the caller an operator: `POST /v1/me/operator`.

use taskbell_api::handlers::me::become_operator;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let operator = env.operator();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| become_operator::handle(
        call,
        &store,
        &queue,
        operator.as_ref(),
        &SystemClock,
        &SystemRandom
    ))
}
