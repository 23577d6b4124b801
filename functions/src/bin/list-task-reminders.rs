//! Shows the delivery ledger of a task: `GET /v1/tasks/{task_id}/reminders`.

use taskbell_api::handlers::tasks::reminders;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| reminders::handle(call, &store, &verifier, &SystemClock))
}
