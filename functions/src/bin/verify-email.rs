//! Proves the address of an account: `POST /v1/auth/verify-email`.

use taskbell_api::{handlers::auth::verify_email, http::Callers};
use taskbell_domain::rate_limit::LINKS;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let link_keys = env.link_keys();
    let link_keys = env.ready(link_keys).await?;
    let guard = guard(&store, &Callers::Public, LINKS);
    serve!(guard, |call| verify_email::handle(call, &store, &link_keys, &SystemClock))
}
