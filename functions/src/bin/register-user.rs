//! Registers a user, and mails a link that proves the address: `POST /v1/auth/register`.

use taskbell_api::{handlers::auth::register, http::Callers};
use taskbell_domain::limit::Limit;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let limit = env.number("REGISTRATIONS_PER_HOUR").map(Limit::registrations);
    let limit = env.ready(limit).await?;
    let guard = guard(&store, &Callers::Anybody, limit);
    serve!(guard, |call| register::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
