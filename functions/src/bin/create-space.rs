//! Creates a space: `POST /v1/spaces`.

use taskbell_api::handlers::spaces::create_space;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| create_space::handle(call, &store, &SystemClock, &SystemRandom))
}
