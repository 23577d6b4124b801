//! Takes an invitation back: `DELETE /v1/spaces/{space_id}/invitations/{invitation_id}`.

use taskbell_api::handlers::invitations::revoke_invitation;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| revoke_invitation::handle(call, &store))
}
