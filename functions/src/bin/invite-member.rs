//! Invites somebody into a space: `POST /v1/spaces/{space_id}/invitations`.

use taskbell_api::handlers::invitations::create;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| create::handle(call, &store, &queue, &verifier, &SystemClock, &SystemRandom))
}
