//! Returns the statistics of a space.

use taskbell_api::handlers::statistics::get_stats;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(get_stats::ENDPOINT);
    let (callers, limit) = env.ready(callers).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| get_stats::handle(call, &store))
}
