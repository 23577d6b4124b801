//! Deletes a task: `DELETE /v1/tasks/{task_id}`.

use lambda_http::run;
use taskbell_api::{handlers::tasks::delete, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| delete::handle(call, &store, &verifier, &SystemClock).await)
                .await,
        )
    }))
    .await
}
