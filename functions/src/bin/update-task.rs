//! Changes a task: `PATCH /v1/tasks/{task_id}`.

use taskbell_api::handlers::tasks::update_task;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (users, quota) = (env.users(), env.quota());
    let ((users, limit), quota) = env.ready(users.zip(quota)).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| update_task::handle(call, &store, &queue, quota, &SystemClock, &SystemRandom))
}
