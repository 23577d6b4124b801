//! Lists tasks: `GET /v1/tasks`.

use taskbell_api::handlers::tasks::list_tasks;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (users, key) = (env.users(), env.cursor_key());
    let ((users, limit), key) = env.ready(users.zip(key)).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_tasks::handle(call, &store, &key, &SystemClock))
}
