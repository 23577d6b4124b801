//! Invites a person to a space.

use taskbell_api::handlers::invitations::invite_member;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let callers = env.callers(invite_member::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| invite_member::handle(call, &store, &queue))
}
