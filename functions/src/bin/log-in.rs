//! Logs a user in: `POST /v1/auth/login`.

use taskbell_api::{handlers::auth::log_in, http::Callers};
use taskbell_domain::limit::LOG_INS;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, issuer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let key = env.signing_key();
    let name = env.required("TOKEN_ISSUER");
    env.ready(Some(()))?;
    let issuer = issuer(name, &key).await?;
    let guard = guard(&store, &Callers::Anybody, LOG_INS);
    serve!(guard, |call| log_in::handle(call, &store, &issuer, &SystemClock, &SystemRandom))
}
