//! Disables or enables an account: `PATCH /v1/users/{user_id}`.

use taskbell_api::handlers::users::update_user;
use taskbell_functions::{Environment, Error, SystemClock, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let operator = env.operator();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| update_user::handle(call, &store, operator.as_ref(), &SystemClock))
}
