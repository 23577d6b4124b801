//! Lists tasks.

use taskbell_api::handlers::tasks::list_tasks;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, key) = (env.callers(list_tasks::ENDPOINT), env.cursor_key());
    let ((callers, limit), key) = env.ready(callers.zip(key)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| list_tasks::handle(call, &store, &key))
}
