//! Changes a profile: `PATCH /v1/me`.

use taskbell_api::handlers::me::update_profile;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| update_profile::handle(call, &store, &SystemClock))
}
