//! Lists the comments on a task: `GET /v1/tasks/{task_id}/comments`.

use taskbell_api::handlers::comments::list;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| list::handle(call, &store, &verifier, &SystemClock))
}
