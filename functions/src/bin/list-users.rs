//! Lists accounts.

use taskbell_api::handlers::users::list_users;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let (callers, key) = (env.callers(list_users::ENDPOINT), env.cursor_key());
    let second_factor = env.operator_second_factor();
    let clients = env.ready(callers.zip(key).zip(second_factor)).await?;
    let (((callers, limit), key), second_factor) = clients;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| list_users::handle(call, &store, &key, second_factor))
}
