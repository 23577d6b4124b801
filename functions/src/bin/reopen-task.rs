//! Reopens a task: `POST /v1/tasks/{task_id}/reopen`.

use lambda_http::run;
use taskbell_api::{handlers::tasks::reopen, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| {
                reopen::handle(call, &store, &queue, &verifier, &SystemClock, &SystemRandom).await
            })
            .await,
        )
    }))
    .await
}
