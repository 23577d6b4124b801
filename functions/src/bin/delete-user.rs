//! Deletes an account, for operators.

use taskbell_api::handlers::users::delete_user;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let pushes = env.push_queue();
    let operator = env.operator();
    let callers = env.callers(delete_user::ENDPOINT);
    let second_factor = env.operator_second_factor();
    let ((callers, limit), second_factor) = env.ready(callers.zip(second_factor)).await?;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| delete_user::handle(call, &store, &pushes, operator.as_ref(), second_factor))
}
