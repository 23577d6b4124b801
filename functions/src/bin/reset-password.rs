//! Resets the password.

use taskbell_api::handlers::auth::reset_password;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    let callers = env.callers(reset_password::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| reset_password::handle(call, &store, &pushes))
}
