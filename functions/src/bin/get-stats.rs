//! Tells how it stands with tasks: `GET /v1/stats`.

use taskbell_api::handlers::statistics::get_stats;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| get_stats::handle(call, &store, &SystemClock))
}
