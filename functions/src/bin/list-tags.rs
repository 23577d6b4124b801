//! Lists tags: `GET /v1/tags`.

use taskbell_api::handlers::statistics::list_tags;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (users, key) = (env.users(), env.cursor_key());
    let ((users, limit), key) = env.ready(users.zip(key)).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_tags::handle(call, &store, &key))
}
