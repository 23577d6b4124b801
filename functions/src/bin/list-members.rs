//! Lists the members of a space: `GET /v1/spaces/{space_id}/members`.

use taskbell_api::handlers::spaces::list_members;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_members::handle(call, &store))
}
