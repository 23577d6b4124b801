//! Changes the caller's password.

use taskbell_api::handlers::me::change_password;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let pushes = env.push_queue();
    let callers = env.callers(change_password::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| change_password::handle(call, &store, (&queue, &pushes)))
}
