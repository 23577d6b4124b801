//! Ends a session: `POST /v1/auth/logout`.

use taskbell_api::handlers::auth::log_out;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| log_out::handle(call, &store, &verifier, &SystemClock))
}
