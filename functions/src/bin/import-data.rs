//! Imports tasks and comments.

use taskbell_api::handlers::transfer::import_data;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (callers, quota) = (env.callers(import_data::ENDPOINT), env.quota());
    let ((callers, limit), quota) = env.ready(callers.zip(quota)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| import_data::handle(call, &store, &queue, quota))
}
