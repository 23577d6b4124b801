//! Serves the browser app.

use taskbell_api::handlers::app::get_app::{self, Policy};
use taskbell_functions::{Environment, Error, NoGuard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let policy = Policy::new(&env.required("LIVE_URL"));
    env.ready(Some(())).await?;
    serve!(NoGuard, |call| get_app::handle(call, &policy))
}
