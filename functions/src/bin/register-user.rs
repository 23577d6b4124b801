//! Registers a user: `POST /v1/auth/register`.

use lambda_http::run;
use taskbell_api::{handlers::auth::register, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(()))?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| {
                register::handle(call, &store, &SystemClock, &SystemRandom).await
            })
            .await,
        )
    }))
    .await
}
