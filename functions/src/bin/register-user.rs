//! Registers a user and mails a verification link.

use taskbell_api::handlers::auth::register_user;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (callers, policy) = (env.callers(register_user::ENDPOINT), env.registration_policy());
    let ((callers, limit), policy) = env.ready(callers.zip(policy)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| register_user::handle(call, &store, &queue, &policy))
}
