//! Completes a task: `POST /v1/tasks/{task_id}/complete`.

use taskbell_api::handlers::tasks::complete_task;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| complete_task::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
