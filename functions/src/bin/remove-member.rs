//! Removes a member, or leaves: `DELETE /v1/spaces/{space_id}/members/{user_id}`.

use taskbell_api::handlers::spaces::remove_member;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| remove_member::handle(call, &store, &SystemClock, &SystemRandom))
}
