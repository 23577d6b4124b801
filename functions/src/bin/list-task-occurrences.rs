//! Lists the upcoming occurrences of a task.

use taskbell_api::handlers::tasks::list_task_occurrences;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(list_task_occurrences::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| list_task_occurrences::handle(call, &store))
}
