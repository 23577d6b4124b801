//! Shows the delivery ledger of a task: `GET /v1/tasks/{task_id}/reminders`.

use taskbell_api::handlers::tasks::list_task_reminders;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_task_reminders::handle(call, &store))
}
