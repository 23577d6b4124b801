//! Says that the API answers: `GET /v1/health`.

use taskbell_api::handlers::health::get;
use taskbell_functions::{Environment, Error, Open, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(())).await?;
    serve!(Open, |call| get::handle(call))
}
