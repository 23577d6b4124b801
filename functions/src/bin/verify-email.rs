//! Verifies the email address of an account.

use taskbell_api::handlers::auth::verify_email;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, link_keys) = (env.callers(verify_email::ENDPOINT), env.link_keys());
    let ((callers, limit), link_keys) = env.ready(callers.zip(link_keys)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| verify_email::handle(call, &store, &link_keys))
}
