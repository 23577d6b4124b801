//! Lists the open invitations of a space.

use taskbell_api::handlers::invitations::list_invitations;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(list_invitations::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| list_invitations::handle(call, &store))
}
