//! Lists the spaces of the caller: `GET /v1/spaces`.

use taskbell_api::handlers::spaces::list;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| list::handle(call, &store, &verifier, &SystemClock))
}
