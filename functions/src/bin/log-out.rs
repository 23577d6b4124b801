//! Ends a session: `POST /v1/auth/logout`.

use lambda_http::run;
use taskbell_api::{handlers::auth::log_out, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| log_out::handle(call, &store, &verifier, &SystemClock).await)
                .await,
        )
    }))
    .await
}
