//! Completes a task: `POST /v1/tasks/{task_id}/complete`.

use lambda_http::run;
use taskbell_api::{handlers::tasks::complete, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| {
                complete::handle(call, &store, &verifier, &SystemClock, &SystemRandom).await
            })
            .await,
        )
    }))
    .await
}
