//! Says when a task comes again: `GET /v1/tasks/{task_id}/occurrences`.

use taskbell_api::handlers::tasks::list_task_occurrences;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_task_occurrences::handle(call, &store))
}
