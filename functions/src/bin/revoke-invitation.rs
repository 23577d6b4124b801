//! Takes an invitation back: `DELETE /v1/spaces/{space_id}/invitations/{invitation_id}`.

use taskbell_api::handlers::invitations::revoke;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| revoke::handle(call, &store, &verifier, &SystemClock))
}
