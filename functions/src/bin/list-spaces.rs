//! Lists the spaces of the caller: `GET /v1/spaces`.

use taskbell_api::handlers::spaces::list_spaces;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_spaces::handle(call, &store))
}
