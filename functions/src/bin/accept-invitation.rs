//! Joins a space: `POST /v1/invitations/accept`.

use taskbell_api::handlers::invitations::accept_invitation;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| accept_invitation::handle(call, &store, &SystemClock))
}
