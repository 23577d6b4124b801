//! Creates a task: `POST /v1/tasks`.

use taskbell_api::handlers::tasks::create_task;
use taskbell_functions::{Environment, Error, SystemClock, SystemRandom, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (users, quota) = (env.users(), env.quota());
    let ((users, limit), quota) = env.ready(users.zip(quota)).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| create_task::handle(call, &store, &queue, quota, &SystemClock, &SystemRandom))
}
