//! Logs a user in: `POST /v1/auth/login`.

use taskbell_api::{handlers::auth::log_in, http::Callers};
use taskbell_domain::rate_limit::RateLimit;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, issuer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let key = env.signing_key();
    let (name, public_keys) = (env.required("TOKEN_ISSUER"), env.required("TOKEN_PUBLIC_KEYS"));
    let limit = env.number("LOG_INS_PER_MINUTE").map(RateLimit::log_ins);
    let limit = env.ready(limit).await?;
    let issuer = issuer(name, &key, &public_keys).await?;
    let guard = guard(&store, &Callers::Public, limit);
    serve!(guard, |call| log_in::handle(call, &store, &issuer, &SystemClock, &SystemRandom))
}
