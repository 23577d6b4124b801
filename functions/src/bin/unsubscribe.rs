//! Turns reminder mails off: `GET` and `POST /v1/unsubscribe/{token}`.

use taskbell_api::handlers::me::unsubscribe;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    env.ready(Some(()))?;
    serve!(|call| unsubscribe::handle(call, &store, &SystemClock))
}
