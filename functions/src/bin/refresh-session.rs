//! Exchanges a refresh token for new tokens.

use taskbell_api::handlers::auth::refresh_session;
use taskbell_functions::{Environment, Error, guard, issuer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, pushes) = (env.dynamodb(), env.push_queue());
    let key = env.signing_key();
    let (name, public_keys) = (env.required("TOKEN_ISSUER"), env.required("TOKEN_PUBLIC_KEYS"));
    let callers = env.callers(refresh_session::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let issuer = issuer(name, &key, &public_keys).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| refresh_session::handle(call, &store, &pushes, &issuer))
}
