//! Returns what has changed in the spaces of the caller.

use taskbell_api::handlers::changes::list_changes;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, key) = (env.callers(list_changes::ENDPOINT), env.cursor_key());
    let ((callers, limit), key) = env.ready(callers.zip(key)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| list_changes::handle(call, &store, &key))
}
