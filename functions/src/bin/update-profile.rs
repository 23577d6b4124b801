//! Changes a profile: `PATCH /v1/me`.

use lambda_http::run;
use taskbell_api::{handlers::me::update, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| update::handle(call, &store, &verifier, &SystemClock).await)
                .await,
        )
    }))
    .await
}
