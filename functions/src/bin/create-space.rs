//! Creates a space: `POST /v1/spaces`.

use taskbell_api::handlers::spaces::create;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| create::handle(call, &store, &verifier, &SystemClock, &SystemRandom))
}
