//! Exports everything that the caller may read.

use taskbell_api::handlers::transfer::export_data;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, key) = (env.callers(export_data::ENDPOINT), env.cursor_key());
    let ((callers, limit), key) = env.ready(callers.zip(key)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| export_data::handle(call, &store, &key))
}
