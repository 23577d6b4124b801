//! Lists the open invitations into a space: `GET /v1/spaces/{space_id}/invitations`.

use taskbell_api::handlers::invitations::list_invitations;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_invitations::handle(call, &store, &SystemClock))
}
