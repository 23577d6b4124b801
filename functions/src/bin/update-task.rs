//! Changes a task: `PATCH /v1/tasks/{task_id}`.

use lambda_http::run;
use taskbell_api::{handlers::tasks::update, http::respond};
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
                update::handle(call, &store, &queue, &verifier, &SystemClock, &SystemRandom).await
            })
            .await,
        )
    }))
    .await
}
