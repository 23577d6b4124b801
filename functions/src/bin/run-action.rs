//! Runs the action of a link in a mail.

use taskbell_api::handlers::links::run_action;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (callers, link_keys) = (env.callers(run_action::ENDPOINT), env.link_keys());
    let ((callers, limit), link_keys) = env.ready(callers.zip(link_keys)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| run_action::handle(call, &store, &queue, &link_keys))
}
