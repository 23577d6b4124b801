//! Mails a code for another password: `POST /v1/auth/forgot-password`.

use taskbell_api::{handlers::auth::forgot_password, http::Callers};
use taskbell_domain::rate_limit::LINKS;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    env.ready(Some(())).await?;
    let guard = guard(&store, &Callers::Public, LINKS);
    serve!(guard, |call| forgot_password::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
