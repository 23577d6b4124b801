//! Issues a ticket for a live connection.

use taskbell_api::handlers::changes::open_live;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let (store, live_url) = (env.dynamodb(), env.required("LIVE_URL"));
    let (callers, keys) = (env.callers(open_live::ENDPOINT), env.link_keys());
    let ((callers, limit), keys) = env.ready(callers.zip(keys)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| open_live::handle(call, &store, &keys, &live_url))
}
