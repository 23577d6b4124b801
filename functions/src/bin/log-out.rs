//! Ends a session: `POST /v1/auth/logout`.

use taskbell_api::handlers::auth::log_out;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| log_out::handle(call, &store))
}
