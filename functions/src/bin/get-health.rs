//! Reports that the API responds.

use taskbell_api::handlers::health::get_health;
use taskbell_functions::{Environment, Error, NoGuard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(())).await?;
    serve!(NoGuard, |call| get_health::handle(call))
}
