//! Lets a task be silent for a while: `POST /v1/tasks/{task_id}/snooze`.

use taskbell_api::handlers::tasks::snooze_task;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| snooze_task::handle(call, &store, &queue, &SystemClock, &SystemRandom))
}
