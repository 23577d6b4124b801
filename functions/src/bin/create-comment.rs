//! Comments on a task: `POST /v1/tasks/{task_id}/comments`.

use taskbell_api::handlers::comments::create;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| create::handle(call, &store, &verifier, &SystemClock, &SystemRandom))
}
