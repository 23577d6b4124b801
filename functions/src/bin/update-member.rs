//! Gives a member another role: `PATCH /v1/spaces/{space_id}/members/{user_id}`.

use taskbell_api::handlers::spaces::update_member;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| update_member::handle(call, &store, &verifier, &SystemClock))
}
