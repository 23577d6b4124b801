//! Describes the API: `GET /v1/openapi.json`.

use taskbell_api::handlers::openapi::get;
use taskbell_functions::{Environment, Error, Open, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(())).await?;
    serve!(Open, |call| get::handle(call))
}
