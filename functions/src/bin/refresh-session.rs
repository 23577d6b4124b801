//! Exchanges a refresh token: `POST /v1/auth/refresh`.

use taskbell_api::handlers::auth::refresh;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, issuer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let key = env.signing_key();
    let name = env.required("TOKEN_ISSUER");
    env.ready(Some(()))?;
    let issuer = issuer(name, &key).await?;
    serve!(|call| refresh::handle(call, &store, &issuer, &SystemClock, &SystemRandom))
}
