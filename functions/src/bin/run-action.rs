//! Does what a link in a mail is for: `GET` and `POST /v1/actions/{token}`.

use taskbell_api::{handlers::actions, http::Callers};
use taskbell_domain::limit::LINKS;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    env.ready(Some(())).await?;
    let guard = guard(&store, &Callers::Anybody, LINKS);
    serve!(guard, |call| actions::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
