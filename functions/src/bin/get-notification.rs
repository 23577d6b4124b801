//! Tells what became of a message: `GET /v1/notifications/{notification_id}`.

use taskbell_api::handlers::notifications::get_notification;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| get_notification::handle(call, &store))
}
