//! Removes a member, or leaves: `DELETE /v1/spaces/{space_id}/members/{user_id}`.

use taskbell_api::handlers::spaces::remove_member;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| remove_member::handle(call, &store, &verifier, &SystemClock, &SystemRandom))
}
