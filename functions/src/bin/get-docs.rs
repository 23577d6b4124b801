//! Serves the API reference as an HTML page.

use taskbell_api::handlers::docs::get_docs;
use taskbell_functions::{Environment, Error, NoGuard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Environment::start().ready(Some(())).await?;
    serve!(NoGuard, |call| get_docs::handle(call))
}
