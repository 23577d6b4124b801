//! Deletes a comment: `DELETE /v1/tasks/{task_id}/comments/{comment_id}`.

use taskbell_api::handlers::comments::delete;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| delete::handle(call, &store, &verifier, &SystemClock))
}
