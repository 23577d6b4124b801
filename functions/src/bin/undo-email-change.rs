//! Restores the address that an account had.

use taskbell_api::handlers::auth::undo_email_change;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    let callers = env.callers(undo_email_change::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| undo_email_change::handle(call, &store, &pushes))
}
