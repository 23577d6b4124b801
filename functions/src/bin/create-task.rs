//! Creates a task: `POST /v1/tasks`.

use taskbell_api::handlers::tasks::create;
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
