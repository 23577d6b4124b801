//! Invites an address to register.

use taskbell_api::handlers::users::invite_user;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let queue = env.reminder_queue();
    let (callers, policy) = (env.callers(invite_user::ENDPOINT), env.registration_policy());
    let second_factor = env.operator_second_factor();
    let clients = env.ready(callers.zip(policy).zip(second_factor)).await?;
    let (((callers, limit), policy), second_factor) = clients;
    let guard = guard(&store, &callers, limit);
    serve!(guard, |call| invite_user::handle(call, &store, &queue, &policy, second_factor))
}
