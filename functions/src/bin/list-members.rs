//! Lists the members of a space: `GET /v1/spaces/{space_id}/members`.

use taskbell_api::handlers::spaces::members;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| members::handle(call, &store, &verifier, &SystemClock))
}
