//! Registers a user: `POST /v1/auth/register`.

use taskbell_api::handlers::auth::register;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(()))?;
    serve!(|call| register::handle(call, &store, &SystemClock, &SystemRandom))
}
