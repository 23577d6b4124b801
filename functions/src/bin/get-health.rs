//! Says that the API answers: `GET /v1/health`.

use lambda_http::run;
use taskbell_api::{handlers::health::get, http::respond};
use taskbell_functions::{Environment, Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(()))?;
    run(service_fn(async |request| {
        Ok::<_, Error>(respond(request, async |call| get::handle(call).await).await)
    }))
    .await
}
