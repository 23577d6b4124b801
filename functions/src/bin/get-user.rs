//! Returns an account.

use taskbell_api::handlers::users::get_user;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let callers = env.callers(get_user::ENDPOINT);
    let second_factor = env.operator_second_factor();
    let ((callers, limit), second_factor) = env.ready(callers.zip(second_factor)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| get_user::handle(call, &store, second_factor))
}
