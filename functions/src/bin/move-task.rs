//! Moves a task to another space.

use taskbell_api::handlers::tasks::move_task;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (callers, quota) = (env.callers(move_task::ENDPOINT), env.quota());
    let ((callers, limit), quota) = env.ready(callers.zip(quota)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| move_task::handle(call, &store, &queue, quota))
}
