//! Unsubscribes from a kind of mail.

use taskbell_api::handlers::links::unsubscribe;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, link_keys) = (env.callers(unsubscribe::ENDPOINT), env.link_keys());
    let ((callers, limit), link_keys) = env.ready(callers.zip(link_keys)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| unsubscribe::handle(call, &store, &link_keys))
}
