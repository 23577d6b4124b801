//! Makes the address that a code was mailed to that of the account.

use taskbell_api::handlers::me::confirm_email;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let callers = env.callers(confirm_email::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| confirm_email::handle(call, &store, &queue))
}
