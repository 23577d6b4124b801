//! Ends a session of the caller.

use taskbell_api::handlers::sessions::end_session;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    let callers = env.callers(end_session::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| end_session::handle(call, &store, &pushes))
}
