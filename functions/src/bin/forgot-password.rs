//! Mails a code for a password reset.

use taskbell_api::handlers::auth::forgot_password;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let callers = env.callers(forgot_password::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| forgot_password::handle(call, &store, &queue))
}
