//! Joins a space: `POST /v1/invitations/accept`.

use taskbell_api::handlers::invitations::accept;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| accept::handle(call, &store, &verifier, &SystemClock))
}
