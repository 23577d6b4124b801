//! Exchanges a refresh token: `POST /v1/auth/refresh`.

use taskbell_api::{handlers::auth::refresh_session, http::Callers};
use taskbell_domain::rate_limit::REFRESHES;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, issuer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let key = env.signing_key();
    let (name, public_keys) = (env.required("TOKEN_ISSUER"), env.required("TOKEN_PUBLIC_KEYS"));
    env.ready(Some(())).await?;
    let issuer = issuer(name, &key, &public_keys).await?;
    let guard = guard(&store, &Callers::Public, REFRESHES);
    serve!(guard, |call| refresh_session::handle(call, &store, &issuer, &SystemClock, &SystemRandom))
}
