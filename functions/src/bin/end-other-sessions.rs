//! Ends the other sessions of the caller.

use taskbell_api::handlers::sessions::end_other_sessions;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    let callers = env.callers(end_other_sessions::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| end_other_sessions::handle(call, &store, &pushes))
}
