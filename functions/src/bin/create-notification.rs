//! Writes to a user: `POST /v1/notifications`.

use taskbell_api::handlers::notifications::create_notification;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| create_notification::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
