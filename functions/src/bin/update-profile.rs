//! Changes a profile: `PATCH /v1/me`.

use taskbell_api::handlers::me::update;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| update::handle(call, &store, &verifier, &SystemClock))
}
