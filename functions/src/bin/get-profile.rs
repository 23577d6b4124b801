//! Shows a profile: `GET /v1/me`.

use taskbell_api::handlers::me::get;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| get::handle(call, &store, &verifier, &SystemClock))
}
