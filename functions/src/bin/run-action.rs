//! Does what a link in a mail is for: `GET` and `POST /v1/actions/{token}`.

use taskbell_api::{handlers::actions, http::Callers};
use taskbell_domain::rate_limit::LINKS;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let link_keys = env.link_keys();
    let link_keys = env.ready(link_keys).await?;
    let guard = guard(&store, &Callers::Public, LINKS);
    serve!(guard, |call| actions::handle(call, &store, &queue, &link_keys, &SystemClock, &SystemRandom))
}
