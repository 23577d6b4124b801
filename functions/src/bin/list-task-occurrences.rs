//! Says when a task comes again: `GET /v1/tasks/{task_id}/occurrences`.

use taskbell_api::handlers::tasks::occurrences;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| occurrences::handle(call, &store, &verifier, &SystemClock))
}
