//! Returns the OpenAPI document.

use taskbell_api::handlers::openapi::get_openapi;
use taskbell_functions::{Environment, Error, NoGuard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(())).await?;
    serve!(NoGuard, |call| get_openapi::handle(call))
}
