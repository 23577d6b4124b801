//! Lists and finds accounts: `GET /v1/users`.

use taskbell_api::handlers::users::list_users;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (users, key) = (env.users(), env.cursor_key());
    let ((users, limit), key) = env.ready(users.zip(key)).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| list_users::handle(call, &store, &key))
}
