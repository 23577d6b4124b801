//! Changes the role of a member.

use taskbell_api::handlers::spaces::update_member;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(update_member::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| update_member::handle(call, &store))
}
