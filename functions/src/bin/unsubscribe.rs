//! Turns reminder mails off: `GET` and `POST /v1/unsubscribe/{token}`.

use lambda_http::run;
use taskbell_api::{handlers::me::unsubscribe, http::respond};
use taskbell_functions::{Environment, Error, SystemClock, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(()))?;
    run(service_fn(async |request| {
        Ok::<_, Error>(
            respond(request, async |call| unsubscribe::handle(call, &store, &SystemClock).await).await,
        )
    }))
    .await
}
