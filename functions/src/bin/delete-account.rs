//! Deletes the caller's account.

use taskbell_api::handlers::me::delete_account;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let pushes = env.push_queue();
    let callers = env.callers(delete_account::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| delete_account::handle(call, &store, &pushes))
}
