//! Registers a user, and mails a link that proves the address: `POST /v1/auth/register`.

use taskbell_api::{handlers::auth::register_user, http::Callers};
use taskbell_domain::rate_limit::RateLimit;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let limit = env.number("REGISTRATIONS_PER_HOUR").map(RateLimit::registrations);
    let limit = env.ready(limit).await?;
    let guard = guard(&store, &Callers::Public, limit);
    serve!(guard, |call| register_user::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
